/** A value that is followed when it rests: what is costly to show waits until nobody types. */
import { useEffect, useState } from 'preact/hooks';

const restMs = 250;

/** `typing`: false follows at once. */
export function useRested<Value>(value: Value, typing: boolean): Value {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    if (!typing) {
      setRested(value);
      return undefined;
    }
    const timer = setTimeout(() => setRested(value), restMs);
    return () => clearTimeout(timer);
  }, [value, typing]);
  return typing ? rested : value;
}
