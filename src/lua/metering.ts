/** Rewrites wasmoon's Lua binary: every loop ticks, errors stay inside the module, memory has a limit, calls can be sliced. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import wabt from 'wabt';
import { gcName, outCount, slotContinue, slotHost, stackTop, tableSlots } from './layout.ts';

const features = {
  exceptions: true,
  bulk_memory: true,
  mutable_globals: true,
  sign_extension: true,
  sat_float_to_int: true,
  multi_value: true,
  reference_types: true,
};

/** Pages of 64 KiB a fresh instance starts with: data, C stack and about 0.9 MiB of heap. */
const initialPages = 32;
const maximumPages = 32768;

const tick = `global.get $fuel
i32.const 1
i32.sub
global.set $fuel
global.get $fuel
i32.const 0
i32.lt_s
if
  call $fuel_out
end`;

/** `memory.copy` and `memory.fill` are single instructions of any length: cut in pieces and charged, they tick too. */
const bulk = `
(func $mcopy (param $d i32) (param $s i32) (param $n i32) (local $k i32)
  local.get $n i32.const 262144 i32.le_u
  if
    local.get $d local.get $s local.get $n memory.copy
    local.get $n call $charge
    return
  end
  local.get $d local.get $s i32.gt_u
  if
    loop $back
      local.get $n i32.const 262144 local.get $n i32.const 262144 i32.lt_u select local.set $k
      local.get $n local.get $k i32.sub local.set $n
      local.get $d local.get $n i32.add local.get $s local.get $n i32.add local.get $k memory.copy
      local.get $k call $charge
      local.get $n br_if $back
    end
    return
  end
  loop $forth
    local.get $n i32.const 262144 local.get $n i32.const 262144 i32.lt_u select local.set $k
    local.get $d local.get $s local.get $k memory.copy
    local.get $d local.get $k i32.add local.set $d
    local.get $s local.get $k i32.add local.set $s
    local.get $n local.get $k i32.sub local.set $n
    local.get $k call $charge
    local.get $n br_if $forth
  end)
(func $mfill (param $d i32) (param $v i32) (param $n i32) (local $k i32)
  loop $forth
    local.get $n i32.const 262144 local.get $n i32.const 262144 i32.lt_u select local.set $k
    local.get $d local.get $v local.get $k memory.fill
    local.get $d local.get $k i32.add local.set $d
    local.get $n local.get $k i32.sub local.set $n
    local.get $k call $charge
    local.get $n br_if $forth
  end)
(func $charge (param $n i32)
  global.get $fuel local.get $n i32.const 6 i32.shr_u i32.sub global.set $fuel
  global.get $fuel i32.const 0 i32.lt_s
  if call $fuel_out end)`;

/** Outcome of a host function: n ≥ 0 results; -1 raise the value on top; below: yield two values, operation −2−n. */
const hostOutcome = `
  local.get $n i32.const 0 i32.ge_s
  if local.get $n return end
  local.get $n i32.const -1 i32.eq
  if local.get $L call $lua_error return end
  local.get $L i32.const 2 i32.const -2 local.get $n i32.sub i32.const ${slotContinue}
  call $lua_yieldk`;

const added = `
(func $invoke_vii (param $f i32) (param $a i32) (param $b i32) (local $sp i32) (local $m i32)
  global.get $g0 local.set $sp
  global.get $susp local.set $m
  try
    local.get $a local.get $b local.get $f
    call_indirect $__indirect_function_table (type $t4)
  catch $lj
    local.get $sp global.set $g0
    local.get $m global.set $susp
  end)
(func $fuel_out (local $sp i32)
  call $env.fuel_sync global.set $fuel
  global.get $susp
  if
    global.get $fuel i32.const 0 i32.le_s
    if
      global.get $g0 local.set $sp
      call $env.fuel_async global.set $fuel
      local.get $sp global.set $g0
      i32.const 1 global.set $susp
    end
  end)
(func $hostfn (type $t0) (param $L i32) (result i32) (local $m i32) (local $n i32)
  global.get $susp local.set $m
  i32.const 0 global.set $susp
  local.get $L call $env.host local.set $n
  local.get $m global.set $susp
  ${hostOutcome})
(func $hostk (type $t2) (param $L i32) (param $s i32) (param $c i32) (result i32) (local $m i32) (local $n i32)
  global.get $susp local.set $m
  i32.const 0 global.set $susp
  local.get $L local.get $c call $env.host_continue local.set $n
  local.get $m global.set $susp
  ${hostOutcome})
(func $checked_setmetatable (type $t0) (param $L i32) (result i32) (local $m i32)
  local.get $L i32.const 2 call $lua_type i32.const 5 i32.eq
  if
    local.get $L i32.const ${gcName} call $lua_pushstring drop
    local.get $L i32.const 2 call $lua_rawget i32.const 0 i32.ne
    if
      global.get $susp local.set $m
      i32.const 0 global.set $susp
      local.get $L call $env.refuse_gc
      local.get $m global.set $susp
      local.get $L call $lua_error return
    end
    local.get $L i32.const -2 call $lua_settop
  end
  local.get $L global.get $setmetatable
  call_indirect $__indirect_function_table (type $t0))
(func $luaL_where (type $t4) (param $L i32) (param $level i32) (local $ar i32)
  global.get $g0 i32.const 112 i32.sub local.tee $ar global.set $g0
  block $found
    loop $up
      local.get $L local.get $level local.get $ar call $lua_getstack i32.eqz br_if $found
      local.get $L i32.const ${gcName + 8} local.get $ar call $lua_getinfo drop
      local.get $ar i32.load offset=24 i32.const 0 i32.gt_s br_if $found
      local.get $ar i32.load offset=12 i32.load8_u i32.const 67 i32.eq br_if $found
      local.get $level i32.const 1 i32.add local.set $level
      br $up
    end
  end
  local.get $ar i32.const 112 i32.add global.set $g0
  local.get $L local.get $level call $where_raw)
(func $lua_topointer (type $t3) (param $L i32) (param $i i32) (result i32)
  local.get $L local.get $i call $topointer_raw call $env.address)
(func $mh_begin (param $f i32) (param $limit i32)
  local.get $f global.set $fuel
  local.get $limit global.set $heap_limit
  i32.const ${stackTop} global.set $g0
  i32.const 0 global.set $g1
  i32.const 0 global.set $susp)
(func $mh_resume (param $L i32) (param $n i32) (param $s i32) (result i32) (local $r i32)
  local.get $s global.set $susp
  local.get $L i32.const 0 local.get $n i32.const ${outCount} call $lua_resume local.set $r
  i32.const 0 global.set $susp
  local.get $r)
(func $mh_close (param $L i32) (param $s i32) (result i32) (local $r i32)
  local.get $s global.set $susp
  local.get $L i32.const 0 call $lua_resetthread local.set $r
  i32.const 0 global.set $susp
  local.get $r)
(func $mh_set_limit (param $limit i32) local.get $limit global.set $heap_limit)
(func $mh_set_fuel (param $f i32) local.get $f global.set $fuel)
(func $mh_get_fuel (result i32) global.get $fuel)
(func $mh_set_setmetatable (param $f i32) local.get $f global.set $setmetatable)
(func $mh_stop_slicing i32.const 0 global.set $susp)
(func $mh_stack (result i32) global.get $g0)
(func $mh_high (result i32) global.get $high)
(func $mh_reset_high i32.const 0 global.set $high)
(global $fuel (mut i32) (i32.const 2147483647))
(global $susp (mut i32) (i32.const 0))
(global $heap_limit (mut i32) (i32.const -1))
(global $high (mut i32) (i32.const 0))
(global $setmetatable (mut i32) (i32.const 0))
(tag $lj)
(elem $mh (i32.const ${slotHost}) func $hostfn $hostk $checked_setmetatable)
(data $mh_names (i32.const ${gcName}) "__gc\\00\\00\\00\\00Sl\\00")
(export "mh_begin" (func $mh_begin))
(export "mh_resume" (func $mh_resume))
(export "mh_close" (func $mh_close))
(export "mh_set_limit" (func $mh_set_limit))
(export "mh_set_fuel" (func $mh_set_fuel))
(export "mh_get_fuel" (func $mh_get_fuel))
(export "mh_set_setmetatable" (func $mh_set_setmetatable))
(export "mh_stop_slicing" (func $mh_stop_slicing))
(export "mh_stack" (func $mh_stack))
(export "mh_high" (func $mh_high))
(export "mh_reset_high" (func $mh_reset_high))
(export "mh_topointer" (func $topointer_raw))
${bulk}
`;

const addedImports = `
  (import "env" "fuel_sync" (func $env.fuel_sync (result i32)))
  (import "env" "fuel_async" (func $env.fuel_async (result i32)))
  (import "env" "host" (func $env.host (param i32) (result i32)))
  (import "env" "host_continue" (func $env.host_continue (param i32 i32) (result i32)))
  (import "env" "refuse_gc" (func $env.refuse_gc (param i32)))
  (import "env" "address" (func $env.address (param i32) (result i32)))
  (import "env" "memory_out" (func $env.memory_out))`;

/** Replaces exactly `count` occurrences: a binary other than the expected one ends here, not in a wrong sandbox. */
function replaceExactly(text: string, pattern: RegExp, replacement: string, count: number, what: string): string {
  let found = 0;
  const result = text.replace(pattern, (...groups) => {
    found += 1;
    return replacement.replace(/\$\{(\d)\}/g, (_, group) => String(groups[Number(group)]));
  });
  if (found !== count)
    throw new Error(`The Lua binary is not the expected one: ${what} found ${found} times instead of ${count}`);
  return result;
}

/** Edits the text form of the binary; exported for its test. */
export function rewriteText(source: string): string {
  let text = source;
  const edit = (pattern: RegExp, replacement: string, count: number, what: string): void => {
    text = replaceExactly(text, pattern, replacement, count, what);
  };
  edit(/^ +\(import "env" "invoke_vii".*$/m, addedImports, 1, 'import of invoke_vii');
  edit(/^ +\(import "env" "_emscripten_throw_longjmp".*$/m, '', 1, 'import of _emscripten_throw_longjmp');
  edit(/call \$env\.invoke_vii\b/g, 'call $invoke_vii', 1, 'call of invoke_vii');
  edit(/call \$env\._emscripten_throw_longjmp\b/g, 'throw $lj', 1, 'call of throw_longjmp');
  edit(/^( +loop \$L\d+.*)$/gm, `\${1}\n${tick}`, 640, 'loops');
  edit(/\bmemory\.copy\b/g, 'call $mcopy', 35, 'memory.copy');
  edit(/\bmemory\.fill\b/g, 'call $mfill', 14, 'memory.fill');
  // sbrk: the only place where the heap grows.
  edit(
    /(i32\.const 31452\s+i32\.load\s+local\.tee \$l2[\s\S]{0,700}?br_if \$B1\n)(\s+local\.get \$p0\s+memory\.size)/,
    '${1} local.get $p0\n global.get $heap_limit\n i32.gt_u\n br_if $B1\n${2}',
    1,
    'sbrk',
  );
  edit(
    /(\n +i32\.const 31452\n +local\.get \$p0\n +i32\.store\n +local\.get \$l2\n +br \$B0)/,
    '\nlocal.get $p0\n global.get $high\n local.get $p0\n global.get $high\n i32.gt_u\n select\n global.set $high${1}',
    1,
    'end of sbrk',
  );
  // luaD_throw: an allocation failed although the collector ran; no pcall may see it.
  edit(
    /(\(func \$f\d+ \(type \$t4\)[^\n]*\n[^\n]*\(local[^\n]*\n)(\s+block \$B0\s+local\.get \$p0\s+i32\.load offset=48\s+local\.tee \$l2\s+i32\.eqz)/,
    '${1}local.get $p1\n i32.const 4\n i32.eq\n if\n call $env.memory_out\n end\n ${2}',
    1,
    'luaD_throw',
  );
  // luaD_growstack, luaD_shrinkstack: LUAI_MAXSTACK becomes 100,000 slots, so that endless recursion is Lua's own error
  // "stack overflow" and not the end by the memory limit.
  edit(/\bi32\.const 16000001\b/, 'i32.const 1600001', 1, 'LUAI_MAXSTACK in bytes');
  edit(/\bi32\.const 1000200\b/, 'i32.const 100200', 1, 'ERRORSTACKSIZE');
  edit(/\bi32\.const 999999\b/g, 'i32.const 99999', 2, 'LUAI_MAXSTACK less one');
  edit(/\bi32\.const 1000000\b/g, 'i32.const 100000', 6, 'LUAI_MAXSTACK');
  edit(/\bi32\.const 333332\b/, 'i32.const 33332', 1, 'a third of LUAI_MAXSTACK');
  edit(/\(func \$lua_topointer\b/, '(func $topointer_raw', 1, 'lua_topointer');
  edit(/\(func \$luaL_where\b/, '(func $where_raw', 1, 'luaL_where');
  edit(
    /\(table \$__indirect_function_table 198 funcref\)/,
    `(table $__indirect_function_table ${tableSlots} funcref)`,
    1,
    'function table',
  );
  edit(/\(memory \$memory 256 32768\)/, `(memory $memory ${initialPages} ${maximumPages})`, 1, 'memory');
  const end = text.lastIndexOf(')');
  return `${text.slice(0, end)}${added})\n`;
}

/** The binary as it is installed. */
export async function readLua(): Promise<Uint8Array> {
  return await readFile(createRequire(import.meta.url).resolve('wasmoon/dist/glue.wasm'));
}

/** Rewrites the binary (0.3 s, and some 100 MB while it lasts). */
export async function rewriteLua(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const toolkit = await wabt();
  const original = toolkit.readWasm(bytes, { ...features, readDebugNames: true });
  original.generateNames();
  original.applyNames();
  const text = original.toText({ foldExprs: false, inlineExport: false });
  original.destroy();
  const rewritten = toolkit.parseWat('lua.wat', rewriteText(text), features);
  rewritten.validate();
  const { buffer } = rewritten.toBinary({ write_debug_names: false });
  rewritten.destroy();
  return Uint8Array.from(buffer);
}

/** Reads, rewrites and compiles the binary. Once per process; worker threads take the module as `workerData`. */
export async function meterLua(): Promise<WebAssembly.Module> {
  return await WebAssembly.compile(await rewriteLua(await readLua()));
}
