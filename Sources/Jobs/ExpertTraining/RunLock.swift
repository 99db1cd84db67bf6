internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

/// Keeps other processes from writing files of the same name while a run goes on: two would take
/// turns at replacing each other's states and logs.
///
/// A lock on `.NAME.lock`, which the system gives back when the process ends in whatever way.
struct RunLock: ~Copyable {
  private let descriptor: Int32
  private let path: FilePath

  init(_ output: ExpertOutput) throws {
    path = output.folder.appending(".\(output.name).lock")
    while true {
      let descriptor = unsafe open(
        path.string, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
      guard descriptor >= 0 else {
        throw ExpertTrainingError.cannotWrite(
          file: path, detail: "cannot create: \(Errno(rawValue: errno))")
      }
      // A file system without locks lets every run go on.
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
        close(descriptor)
        throw ExpertTrainingError.cannotWrite(
          file: output.companion(""),
          detail: "another run is writing files of this name; wait for its end, or choose another "
            + "--name")
      }
      // Another run may have removed it between its opening and its lock.
      var status = stat()
      guard unsafe fstat(descriptor, &status) == 0, status.st_nlink == 0 else {
        self.descriptor = descriptor
        return
      }
      close(descriptor)
    }
  }

  deinit {
    unsafe unlink(path.string)
    close(descriptor)
  }
}
