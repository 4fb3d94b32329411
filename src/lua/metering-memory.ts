/** WebAssembly text that the rewrite adds to Lua's binary, the part about memory: copying, allocating, comparing. */
import { stillBytes, stillStart } from './layout.ts';

/** `memory.copy` and `memory.fill` are single instructions of any length: cut in pieces and charged, they tick too. */
export const bulk = `
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

/**
 * Compares `bytes` (whole blocks of 64) from `from` on with the image at `image`, and writes what differs to `out` as runs:
 * a head (index of the first word above 12 bits of how many), then the words. In quarters of a block: the size of a value.
 */
export const difference = `
(func $mh_difference (param $from i32) (param $image i32) (param $bytes i32) (param $out i32) (result i32)
  (local $end i32) (local $quarter i32) (local $next i32) (local $head i32) (local $first i32) (local $value v128)
  local.get $from local.get $bytes i32.add local.set $end
  block $done
    loop $blocks
      local.get $from local.get $end i32.ge_u br_if $done
      local.get $from v128.load local.get $image v128.load $images v128.xor
      local.get $from v128.load offset=16 local.get $image v128.load $images offset=16 v128.xor
      v128.or
      local.get $from v128.load offset=32 local.get $image v128.load $images offset=32 v128.xor
      local.get $from v128.load offset=48 local.get $image v128.load $images offset=48 v128.xor
      v128.or
      v128.or v128.any_true
      if
        local.get $from i32.const 64 i32.add local.set $quarter
        loop $quarters
          local.get $from v128.load local.tee $value
          local.get $image v128.load $images
          v128.xor v128.any_true
          if
            local.get $from local.get $next i32.ne
            local.get $from local.get $first i32.sub i32.const 16000 i32.gt_u
            i32.or
            if
              local.get $out local.set $head
              local.get $from local.set $first
              local.get $out i32.const 4 i32.add local.set $out
            end
            local.get $out local.get $value v128.store $images
            local.get $out i32.const 16 i32.add local.set $out
            local.get $from i32.const 16 i32.add local.set $next
            local.get $head
            local.get $first i32.const 10 i32.shl
            local.get $next local.get $first i32.sub i32.const 2 i32.shr_u
            i32.or
            i32.store $images
          end
          local.get $image i32.const 16 i32.add local.set $image
          local.get $from i32.const 16 i32.add local.tee $from
          local.get $quarter i32.ne br_if $quarters
        end
        br $blocks
      end
      local.get $from i32.const 64 i32.add local.set $from
      local.get $image i32.const 64 i32.add local.set $image
      br $blocks
    end
  end
  local.get $out)`;

/** `l_alloc` ends here: bytes are counted, and while an image is built some kinds of objects go apart from the heap. */
export const allocation = `
(func $allocate (param $at i32) (param $before i32) (param $bytes i32) (result i32)
  local.get $at
  if (result i32)
    local.get $at i32.const ${stillStart} i32.sub i32.const ${stillBytes} i32.lt_u
    if unreachable end
    local.get $at local.get $bytes call $realloc
  else
    global.get $still_kinds local.get $before i32.shr_u i32.const 1 i32.and
    local.set $at
    i32.const 0 local.set $before
    local.get $at
    if (result i32)
      local.get $bytes call $keep_still
    else
      local.get $bytes call $malloc
    end
  end
  local.tee $at
  if
    global.get $live local.get $bytes i32.add local.get $before i32.sub
    local.tee $bytes global.set $live
    local.get $bytes global.get $peak i32.gt_s
    if local.get $bytes global.set $peak end
  end
  local.get $at)
(func $keep_still (param $bytes i32) (result i32) (local $at i32)
  global.get $still_end local.tee $at
  local.get $bytes i32.add i32.const 7 i32.add i32.const -8 i32.and
  local.tee $bytes i32.const ${stillStart + stillBytes} i32.gt_u
  if i32.const 0 return end
  local.get $bytes global.set $still_end
  local.get $at)
(func $release (param $at i32) (param $bytes i32)
  global.get $live local.get $bytes i32.sub global.set $live
  local.get $at i32.const ${stillStart} i32.sub i32.const ${stillBytes} i32.lt_u
  if return end
  global.get $scrub
  if local.get $at i32.const 0 local.get $bytes call $mfill end
  local.get $at call $free)
(func $mh_scrub (param $on i32) local.get $on global.set $scrub)
(func $mh_still (param $kinds i32) local.get $kinds global.set $still_kinds)
(func $mh_still_end (result i32) global.get $still_end)
(func $mh_collected (result i32) global.get $collected)`;
