internal import Files
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// A folder for the outputs of one run, which is gone after it, and when a signal ends the process.
final class ScratchFolder {
  private let parent: FilePath
  private var folder: AtomicFolder?

  /// Folders inside this one, which exists.
  init(in parent: FilePath) { self.parent = parent }

  /// Makes the folder of the next run.
  func renew() throws {
    folder = try AtomicFolder(creating: parent.appending("glance-bench"), overwrite: false)
  }

  /// Removes it with all it holds.
  func discard() {
    folder?.discard()
    folder = nil
  }

  /// Something in it.
  func path(_ name: String) -> FilePath { (folder?.workingPath ?? parent).appending(name) }

  /// Waits until a file, or all files of a folder, are on the disk, as our own commands do.
  static func synchronize(_ path: FilePath) throws {
    for name in path.isRegularFile ? [] : folderNames(path) ?? [] {
      try synchronize(path.appending(name))
    }
    let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    try descriptor.closeAfter {
      guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }
  }
}
