internal import SystemPackage

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

/// The names in a folder that don't begin with a dot and are UTF-8, in the order of their bytes;
/// nil when the path names no folder.
func visibleEntries(ofFolder path: FilePath) -> [String]? {
  let folder = unsafe path.withPlatformString {
    unsafe open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  }
  guard folder >= 0 else { return nil }
  defer { close(folder) }
  let names = folderEntries(folder).compactMap {
    String(validating: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
  return names.filter { !$0.utf8.starts(with: ".".utf8) }
    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
