package import SystemPackage
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// Copies of folders, such as the components of a pipeline that stay as they are.
package enum FolderCopy {
  /// Copies a folder's files and folders into another.
  ///
  /// - Parameters:
  ///   - source: a folder.
  ///   - destination: a folder that exists.
  ///   - exceptions: entries of the source that stay out.
  ///   - links: whether files are hard links to the source's where the file system can.
  /// - Throws: when a file can't be read or written.
  package static func copy(
    _ source: FilePath, to destination: FilePath, except exceptions: Set<String> = [], links: Bool
  ) throws {
    for name in folderNames(source) ?? [] where !exceptions.contains(name) {
      let (from, to) = (source.appending(name), destination.appending(name))
      var status = stat()
      guard unsafe stat(from.string, &status) == 0 else {
        throw FileError.cannotCreate(file: to, reason: Errno(rawValue: errno))
      }
      if status.st_mode & S_IFMT == S_IFDIR {
        try makeFolder(to)
        try copy(from, to: to, links: links)
      } else {
        guard status.st_mode & S_IFMT == S_IFREG else {
          throw FileError.notARegularFile(file: from, kind: FileKind(mode: status.st_mode))
        }
        // The file that a link points to: a download's cache keeps files by such links.
        if links,
          unsafe linkat(AT_FDCWD, from.string, AT_FDCWD, to.string, AT_SYMLINK_FOLLOW) == 0
        {
          continue
        }
        try copyFile(from, to: to)
      }
    }
  }

  /// Copies the texts that lie beside a component's weights and say nothing of them, such as
  /// generation_config.json: JSON but for config.json and indices of shards.
  package static func copyTexts(_ source: FilePath, to destination: FilePath) throws {
    for name in visibleEntries(ofFolder: source) ?? []
    where name.utf8HasSuffix(".json") && !name.utf8HasSuffix(".index.json") && name != "config.json"
    {
      try copyFile(source.appending(name), to: destination.appending(name))
    }
  }

  /// Whether a path that need not exist lies in a folder.
  package static func isInside(_ path: FilePath, of folder: FilePath) -> Bool {
    guard let place = FileIdentity(of: folder) else { return false }
    var parent = path.removingLastComponent()
    if parent.isRelative, let current = unsafe getcwd(nil, 0) {
      defer { unsafe free(current) }
      parent = unsafe FilePath(platformString: current).pushing(parent)
    }
    while true {
      if FileIdentity(of: parent) == place { return true }
      if parent.components.isEmpty || !parent.removeLastComponent() { return false }
    }
  }

  /// Copies a file, complete or not at all.
  package static func copyFile(_ source: FilePath, to destination: FilePath) throws {
    let input = try FileDescriptor.open(source, .readOnly, options: .closeOnExec)
    try input.closeAfter {
      let size = try input.seek(offset: 0, from: .end)
      try input.seek(offset: 0, from: .start)
      let output = try AtomicFile(
        creating: destination, byteCount: Int(size), overwrite: false)
      var buffer = [UInt8](repeating: 0, count: 4 << 20)
      var offset = 0
      while true {
        let count = try unsafe buffer.withUnsafeMutableBytes { try unsafe input.read(into: $0) }
        if count == 0 { break }
        try output.write(unsafe buffer.span.bytes.extracting(0..<count), at: offset)
        offset += count
      }
      try output.commit()
    }
  }
}
