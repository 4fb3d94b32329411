/** Rewrites wasmoon's Lua binary: every loop ticks, errors stay inside the module, memory has a limit, calls can be sliced. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import wabt from 'wabt';
import { tableSlots } from './layout.ts';
import { added, addedImports } from './metering-functions.ts';

const features = {
  exceptions: true,
  bulk_memory: true,
  mutable_globals: true,
  sign_extension: true,
  sat_float_to_int: true,
  multi_value: true,
  reference_types: true,
  simd: true,
  multi_memory: true,
};

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
  // l_alloc: counts the bytes Lua uses, and keeps objects of the image apart. Without an address `$p2` is a type, not a size.
  edit(
    /(\(func \$f\d+ \(type \$t1\)[^\n]*\n\s+local\.get \$p3\s+i32\.eqz\s+if \$I0\s+local\.get \$p1)\s+call \$free(\s+i32\.const 0\s+return\s+end\s+local\.get \$p1)\s+local\.get \$p3\s+call \$realloc\)/,
    `\${1} local.get $p2 call $release\${2}
    local.get $p2 local.get $p3 call $allocate)`,
    1,
    'l_alloc',
  );
  // The collector's state: whoever leaves the pause writes it.
  edit(
    /^( +i32\.store(?:8|16) offset=77\b.*)$/gm,
    '${1}\ni32.const 1 global.set $collected',
    21,
    "the collector's state",
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
  edit(/^ +\(memory \$memory 256 32768\)$/m, '', 1, 'memory');
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
  const { buffer } = rewritten.toBinary({ write_debug_names: false });
  rewritten.destroy();
  return Uint8Array.from(buffer);
}

/** Reads, rewrites and compiles the binary. Once per process; worker threads take the module as `workerData`. */
export async function meterLua(): Promise<WebAssembly.Module> {
  return await WebAssembly.compile(await rewriteLua(await readLua()));
}
