/** WebAssembly text that the rewrite adds to Lua's binary: errors, fuel, calls of the host, entries of the engine, comparing memory. */
import {
  gcName,
  initialPages,
  lazyRaised,
  lazyTaken,
  maximumPages,
  outCount,
  scratch,
  slotContinue,
  slotHost,
  stackTop,
  stillStart,
} from './layout.ts';
import { allocation, bulk, difference } from './metering-memory.ts';

/** Outcome of a host function: n ≥ 0 results; -1 raise the value on top; below: yield two values, operation −2−n. */
const hostOutcome = `
  local.get $n i32.const 0 i32.ge_s
  if local.get $n return end
  local.get $n i32.const -1 i32.eq
  if local.get $L call $lua_error return end
  local.get $L i32.const 2 i32.const -2 local.get $n i32.sub i32.const ${slotContinue}
  call $lua_yieldk`;

/** Functions, globals and exports. */
export const added = `
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
(func $lazyfield (type $t0) (param $L i32) (result i32) (local $m i32) (local $n i32)
  global.get $susp local.set $m
  i32.const 0 global.set $susp
  local.get $L call $env.lazy_field local.set $n
  local.get $m global.set $susp
  local.get $n i32.const 0 i32.ge_s
  if
    local.get $L i32.const ${scratch} local.get $n call $lua_pushlstring drop
  else
    local.get $n i32.const ${lazyRaised} i32.eq
    if local.get $L call $lua_error return end
    local.get $n i32.const ${lazyTaken} i32.eq
    if i32.const 1 return end
  end
  local.get $L i32.const 2 call $lua_pushvalue
  local.get $L i32.const 3 call $lua_pushvalue
  local.get $L i32.const 1 call $lua_rawset
  i32.const 1)
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
  i32.const 0 global.set $susp
  i32.const 0 global.set $collected
  i32.const 0 global.set $scrub
  i32.const 0 call $mh_set_live)
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
(func $mh_set_live (param $bytes i32) local.get $bytes global.set $live local.get $bytes global.set $peak)
(func $mh_live (result i32) global.get $live)
(func $mh_peak (result i32) global.get $peak)
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
(global $live (mut i32) (i32.const 0))
(global $peak (mut i32) (i32.const 0))
(global $still_kinds (mut i32) (i32.const 0))
(global $still_end (mut i32) (i32.const ${stillStart}))
(global $collected (mut i32) (i32.const 0))
(global $scrub (mut i32) (i32.const 0))
(global $setmetatable (mut i32) (i32.const 0))
(tag $lj)
(elem $mh (i32.const ${slotHost}) func $hostfn $hostk $checked_setmetatable $lazyfield)
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
(export "mh_set_live" (func $mh_set_live))
(export "mh_live" (func $mh_live))
(export "mh_peak" (func $mh_peak))
(export "mh_still" (func $mh_still))
(export "mh_still_end" (func $mh_still_end))
(export "mh_scrub" (func $mh_scrub))
(export "mh_collected" (func $mh_collected))
(export "mh_difference" (func $mh_difference))
${bulk}
${allocation}
${difference}
`;

/** Imports, the memories among them: Lua's own, and one that no instruction of Lua's reaches. */
export const addedImports = `
  (import "env" "fuel_sync" (func $env.fuel_sync (result i32)))
  (import "env" "fuel_async" (func $env.fuel_async (result i32)))
  (import "env" "host" (func $env.host (param i32) (result i32)))
  (import "env" "host_continue" (func $env.host_continue (param i32 i32) (result i32)))
  (import "env" "lazy_field" (func $env.lazy_field (param i32) (result i32)))
  (import "env" "refuse_gc" (func $env.refuse_gc (param i32)))
  (import "env" "address" (func $env.address (param i32) (result i32)))
  (import "env" "memory_out" (func $env.memory_out))
  (import "env" "memory" (memory $memory ${initialPages} ${maximumPages}))
  (import "env" "images" (memory $images 0))`;
