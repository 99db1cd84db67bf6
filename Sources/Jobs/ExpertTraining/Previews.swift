internal import Files
public import Schedules
public import SystemPackage

/// Pictures that are drawn while experts are trained, so that a person sees what they learn.
public struct PreviewRequest: Sendable {
  /// What is drawn.
  public var prompt: String
  /// Steps between pictures; 0 draws after an expert's last step only.
  public var every: Int

  /// Pictures of a prompt.
  public init(prompt: String, every: Int) {
    self.prompt = prompt
    self.every = every
  }

  func isDue(after step: Int, of count: Int) -> Bool {
    step == count || every > 0 && step % every == 0
  }

  /// Pictures of an expert that is trained for so many steps.
  public func count(steps count: Int) -> Int {
    every > 0 ? count / every + (count % every == 0 ? 0 : 1) : 1
  }
}

/// An expert as it is at a step, to draw with.
public struct ExpertPreview: Sendable {
  /// Its phase.
  public let phase: Phase
  /// Steps it was trained for.
  public let step: Int
  /// The adapters of the experts trained before it, and of itself: a file that may be gone after the event.
  public let adapters: [FilePath]
}

extension ExpertOutput {
  /// The folder of pictures drawn on the way.
  public var previewFolder: FilePath { companion("-previews") }

  /// The picture of an expert at a step.
  public func previewFile(_ preview: ExpertPreview) -> FilePath {
    let number = String(preview.step)
    let zeros = String(repeating: "0", count: max(0, 6 - number.count))
    return previewFolder.appending("\(preview.phase)-\(zeros)\(number).png")
  }

  /// The pictures of a phase, in the order of their steps.
  public func previewFiles(_ phase: String) -> [(step: Int, file: FilePath)] {
    (folderNames(previewFolder) ?? []).compactMap { name in
      guard name.hasPrefix("\(phase)-"), name.hasSuffix(".png") else { return nil }
      return Int(name.dropFirst(phase.count + 1).dropLast(4)).map {
        ($0, previewFolder.appending(name))
      }
    }.sorted { $0.step < $1.step }
  }

  /// Refuses to replace pictures of an earlier run, as other outputs.
  func checkPreviews(_ phases: [Phase]) throws {
    guard previews != nil, !overwrite, !resumes else { return }
    for file in phases.flatMap({ previewFiles($0.name) }).map(\.file) {
      throw ExpertTrainingError.exists(
        file: file, advice: "choose another --name, or allow --force")
    }
  }

  /// Makes the folder; removes pictures of an earlier run that is not gone on with, and experts that a killed
  /// one drew with.
  func preparePreviews(_ phases: [Phase]) throws {
    guard previews != nil else { return }
    try makeFolder(previewFolder)
    for phase in phases { removeEntry(ofPreview.file(phase)) }
    guard !resumes else { return }
    for (_, file) in phases.flatMap({ previewFiles($0.name) }) { removeEntry(file) }
  }

  /// The same, for an expert that is there only to draw with.
  var ofPreview: ExpertOutput {
    var output = self
    output.folder = previewFolder
    output.overwrite = true
    output.isLegacy = false
    return output
  }
}
