#if canImport(Glibc)
  internal import Glibc
#endif

/// The names in an open folder, each with its closing NUL; empty when it can't be listed.
func folderEntries(_ folder: Int32) -> [[CChar]] {
  // A descriptor of its own, because closing the stream closes its descriptor.
  let descriptor = unsafe openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return [] }
  guard let stream = unsafe fdopendir(descriptor) else {
    close(descriptor)
    return []
  }
  defer { unsafe closedir(stream) }
  var entries: [[CChar]] = []
  while let entry = unsafe readdir(stream) {
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
      let start = unsafe UnsafeRawPointer(tuple).assumingMemoryBound(to: CChar.self)
      return unsafe Array(UnsafeBufferPointer(start: start, count: strlen(start) + 1))
    }
    entries.append(name)
  }
  return entries
}
