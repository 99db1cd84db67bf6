internal import Schedules
internal import SystemPackage
internal import Training

#if canImport(Glibc)
  internal import Glibc
#endif

extension ExpertOutput {
  /// Refuses to replace what may not be replaced, before any work; the log that rows are added to.
  func check(_ phases: [Phase]) throws -> TrainingLog {
    if !overwrite, !resumes {
      for phase in phases {
        if exists(file(phase)) {
          throw ExpertTrainingError.exists(
            file: file(phase),
            advice: "continue with --resume, choose another --name, or allow --force")
        }
        if !states(phase).isEmpty {
          throw ExpertTrainingError.exists(
            file: states(phase).path,
            advice: "a run was stopped here: continue with --resume, or start anew with --force")
        }
      }
    }
    return isLogged ? try checkedLog(phases) : TrainingLog()
  }

  private func checkedLog(_ phases: [Phase]) throws -> TrainingLog {
    let file = companion(TrainingLog.suffix)
    var log = TrainingLog()
    if exists(file) {
      do { log = try TrainingLog(reading: file) } catch { if !overwrite { throw error } }
    } else if !overwrite {
      for other in TrainingLog.derivedSuffixes.map(companion) where exists(other) {
        throw ExpertTrainingError.exists(
          file: other,
          advice:
            "the \(name)\(TrainingLog.suffix) that it would come from is not there: choose another "
            + "--name, or allow --force")
      }
    }
    guard !resumes else { return log }
    for phase in phases where log.hasRows(of: phase) {
      guard overwrite else {
        throw ExpertTrainingError.exists(
          file: file,
          advice:
            "it holds the steps of an earlier '\(phase)': choose another --name, or allow --force")
      }
      log.forget(phase)
    }
    return log
  }

  /// Names under which something is saved for one of the phases in this folder, other than this one.
  func otherNames(_ phases: [Phase]) -> [String] {
    let names = folderNames(folder) ?? []
    let endings = phases.flatMap { ["-\($0).state", "-\($0).safetensors"] }
    let found = names.compactMap { name in
      endings.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
    }
    return Set(found).subtracting([name]).sorted()
  }

  /// Makes the folder, and those above it.
  func makeFolder() throws(ExpertTrainingError) {
    var path = FilePath(root: folder.root, [])
    for component in folder.components {
      path.append(component)
      if unsafe mkdir(path.string, 0o777) != 0, errno != EEXIST, errno != EISDIR {
        throw .cannotWrite(
          file: path, detail: "cannot make the folder: \(Errno(rawValue: errno))")
      }
    }
  }
}

/// Whether there is anything at a path.
func exists(_ file: FilePath) -> Bool {
  var status = stat()
  return unsafe lstat(file.string, &status) == 0
}

/// The names in a folder, in the order of their bytes; nil when it can't be read.
func folderNames(_ folder: FilePath) -> [String]? {
  guard let handle = unsafe opendir(folder.string) else { return nil }
  defer { unsafe closedir(handle) }
  var names: [String] = []
  while let entry = unsafe readdir(handle) {
    names.append(
      unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      })
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
