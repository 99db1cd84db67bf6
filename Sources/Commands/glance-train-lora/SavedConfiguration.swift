internal import CommandSupport
internal import ExpertTraining
internal import Files
internal import JSON
internal import OptionGroups
internal import Schedules
internal import SystemPackage
internal import TorchCompute
internal import TrainingOptionGroups

/// The options of a run with every default resolved, as a file that repeats the run.
struct SavedConfiguration {
  private static let suffix = ".config.json"

  private let settings: [RunSetting]
  private let phases: [Phase]
  private let allPhases: [Phase]
  private let output: ExpertOutput

  init(_ command: TrainLoRA, plan: ExpertPlan, output: ExpertOutput) {
    let data = command.training.data
    settings =
      [
        RunSetting("model", .string(data.model.string), .surroundings),
        RunSetting(
          "transformer", data.transformer.map { .string($0.string) } ?? .null, .surroundings),
        RunSetting("base", data.base.map { .string($0.string) } ?? .null, .surroundings),
        RunSetting("image", data.image.map { .string($0.string) } ?? .null, .surroundings),
        RunSetting("caption", Self.captions(data.caption), .surroundings),
        RunSetting("data", data.data.map { .string($0.string) } ?? .null, .surroundings),
        RunSetting("caption-lines", data.captionLines ? true : .null, .surroundings),
        RunSetting(
          "device",
          command.arithmetic.place.device == .host
            ? .null : .string("\(command.arithmetic.place.device)"),
          .surroundings),
        RunSetting(
          "torch", command.arithmetic.place.torch.map { .string($0.string) } ?? .null, .surroundings
        ),
        RunSetting(
          "device-memory",
          command.arithmetic.place.deviceMemory.map { .integer(Int64($0.count)) } ?? .null,
          .surroundings),
      ] + plan.runSettings + output.runSettings
    phases = plan.phases
    allPhases = plan.schedule.phases
    self.output = output
  }

  private static func captions(_ captions: [String]) -> JSONValue {
    switch captions.count {
    case 0: .null
    case 1: .string(captions[0])
    default: .array(captions.map { .string($0) })
    }
  }

  /// For programs, with paths as they were given.
  var json: JSONObject { object(phases) { $0 } }

  private func object(_ phases: [Phase], path: (String) -> String) -> JSONObject {
    let given = settings.members { _ in true }
    let members = given.map { member -> JSONObject.Member in
      guard ConfigurationFile.pathKeys.contains(member.key), let text = member.value.string else {
        return member
      }
      return .init(key: member.key, value: .string(path(text)))
    }
    return JSONObject([.init(key: "phase", value: value(of: phases))] + members)
  }

  private func value(of phases: [Phase]) -> JSONValue {
    let names = phases.map { JSONValue.string($0.name) }
    return names.count == 1 ? names[0] : .array(names)
  }

  private func text(_ phases: [Phase]) -> String {
    let folder = ConfigurationFile.realPath(output.folder)
    var object = object(phases) { Self.relative(FilePath($0), to: folder) }
    object["output"] = "."
    return JSONValue.object(object).text(.pretty) + "\n"
  }

  /// Saves the options beside the experts.
  func save() throws {
    let target = try target()
    try writeAtomically(
      unsafe Array(target.text.utf8).span.bytes, to: target.file, overwrite: true)
  }

  /// Where the options are saved, as what, and whether that only adds phases to what is there.
  ///
  /// `NAME.config.json` is that of the run whose phases it names. A run of other phases adds them
  /// where all else is the same, and else has a file of its own: `NAME-fast.config.json`.
  private func target() throws -> (file: FilePath, text: String, isAddition: Bool) {
    let main = output.companion(Self.suffix)
    guard let earlier = Self.object(in: main), let there = earlierPhases(earlier),
      !Set(there).isSubset(of: phases)
    else { return (main, text(phases), false) }
    let both = allPhases.filter { there.contains($0) || phases.contains($0) }
    let merged = text(both)
    var renamed = earlier
    renamed["phase"] = value(of: both)
    let isSame = try JSONValue(parsing: merged).object == renamed
    if isSame, Set(there).isSubset(of: both) { return (main, merged, true) }
    let own = phases.map(\.name).joined(separator: "+")
    return (output.companion("-\(own)\(Self.suffix)"), text(phases), false)
  }

  /// The phases that an earlier configuration trains; nil when it isn't one.
  private func earlierPhases(_ object: JSONObject) -> [Phase]? {
    switch object["phase"] {
    case .string("both"), .string("all"): allPhases
    case .string(let name): Phase(name: name).map { [$0] }
    case .array(let names): names.compactMap { $0.string.flatMap(Phase.init(name:)) }
    default: nil
    }
  }

  /// Refuses to replace what a person has not asked to replace: another file, the options of experts
  /// that are elsewhere now, or those of a run of another name (`a-fast` has the file that the second
  /// phase of `a` may have).
  func check() throws {
    let target = try target()
    guard !output.overwrite, !target.isAddition, let earlier = Self.object(in: target.file),
      try JSONValue(parsing: target.text).object != earlier
    else { return }
    if let name = earlier["name"]?.string, name != output.name {
      throw ExpertTrainingError.exists(
        file: target.file,
        advice: "it holds the options of '\(name)': choose another --name, or allow --force")
    }
    guard !output.resumes else { return }
    throw ExpertTrainingError.exists(
      file: target.file,
      advice: "it holds other options: choose another --name, or allow --force")
  }

  /// The options in a file, none where it holds something else; nil when there is no file.
  private static func object(in file: FilePath) -> JSONObject? {
    guard let bytes = try? readWhole(file, atMost: 1 << 20) else { return nil }
    return (try? JSONValue(parsing: unsafe bytes.span.bytes).object) ?? JSONObject()
  }

  /// A path as it is written into a file of a folder: counted from there where both share a folder
  /// below the root, so that they can be moved together; else absolute.
  static func relative(_ path: FilePath, to folder: FilePath) -> String {
    // The last part stays as it is named: it may be a link to a file of another name.
    let parent = ConfigurationFile.realPath(path.removingLastComponent())
    let last = path.lastComponent.flatMap { $0.kind == .regular ? $0 : nil }
    let whole = last.map { parent.appending($0) } ?? ConfigurationFile.realPath(path)
    guard whole.isAbsolute, folder.isAbsolute else { return path.string }
    let (target, start) = (Array(whole.components), Array(folder.components))
    let shared = zip(target, start).prefix { $0 == $1 }.count
    guard shared > 0 else { return whole.string }
    let parts =
      Array(repeating: "..", count: start.count - shared) + target[shared...].map(\.string)
    return parts.isEmpty ? "." : parts.joined(separator: "/")
  }
}
