internal import Files
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
        if file(phase).isTaken {
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
    try checkPreviews(phases)
    return isLogged ? try checkedLog(phases) : TrainingLog()
  }

  private func checkedLog(_ phases: [Phase]) throws -> TrainingLog {
    let file = companion(TrainingLog.suffix)
    var log = TrainingLog()
    if file.isTaken {
      do { log = try TrainingLog(reading: file) } catch { if !overwrite { throw error } }
    } else if !overwrite {
      for other in TrainingLog.derivedSuffixes.map(companion) where other.isTaken {
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
}
