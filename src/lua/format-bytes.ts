/** Sizes as people read them. */

/** `16 MiB`, `1.5 MiB`, `640 KiB`, `200 bytes`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const unit = bytes >= 1048576 ? 1048576 : 1024;
  return `${Math.round((bytes / unit) * 10) / 10} ${unit === 1024 ? 'KiB' : 'MiB'}`;
}
