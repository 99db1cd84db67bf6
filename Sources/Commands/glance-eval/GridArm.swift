internal import Ablation
internal import CommandSupport
internal import Drawing
internal import Evaluation
internal import ExpertTraining
internal import JSON
internal import OptionGroups
internal import SystemPackage
internal import TrainingOptionGroups

/// An arm of a table's file.
struct GridArm {
  /// The arm; nil where it is for another family than the model's.
  let arm: AblationArm?

  private static let keys = ["name", "families", "train", "samples", "draw"]
  private static let drawingKeys = [
    "adapter", "schedule", "cfg", "guidance", "strength", "compat", "assume-alpha",
  ]

  /// Reads an arm.
  ///
  /// - Parameters:
  ///   - table: the file.
  ///   - value: what stands there.
  ///   - index: its place among the arms.
  ///   - common: options of all trainings, which the arm's own replace.
  ///   - model: the model's folder.
  ///   - family: its family.
  /// - Throws: ``ConfigurationFile/Failure``.
  init(
    _ table: GridPlace, _ value: JSONValue, at index: Int, common: JSONObject, model: FilePath,
    family: String
  ) throws {
    guard let object = value.object, let name = object["name"]?.string, !name.isEmpty else {
      throw table.wrong("arms[\(index)]", expected: "an object with a name", found: value)
    }
    let place = table.of("arm '\(name)'")
    try place.checkKeys(of: object, among: Self.keys)
    if let families = object["families"] {
      guard let names = families.array?.map(\.string) else {
        throw place.wrong("families", expected: "a list of names", found: families)
      }
      guard names.contains(family) else {
        arm = nil
        return
      }
    }
    let drawing = try place.object(object["draw"], "draw")
    try place.checkKeys(of: drawing, among: Self.drawingKeys)
    var arm = AblationArm(drawing: try Self.request(name, drawing, place))
    arm.strength = try place.number(drawing["strength"], "strength") ?? 1
    if object["train"] == nil {
      for (key, value) in [("samples", object["samples"]), ("strength", drawing["strength"])]
      where value != nil {
        throw place.failure("'\(key)' is of what an arm trains, and this one trains nothing")
      }
    } else {
      let own = try place.object(object["train"], "train")
      var merged = common
      for member in own.members { merged[member.key] = member.value }
      // The last of options that exclude each other is the arm's.
      if own["image"] != nil || own["caption"] != nil, own["data"] == nil { merged["data"] = nil }
      merged["model"] = .string(ConfigurationFile.realPath(model).string)
      let options = try place.options(TrainingOptions.self, in: .object(merged), "train")
      var request = try options.request().request
      if let count = try place.count(object["samples"], "samples") {
        guard count <= request.samples.count else {
          throw place.failure(
            "'samples': expected at most the \(request.samples.count) that there are, found \(count)"
          )
        }
        request.samples = Array(request.samples.prefix(count))
      }
      arm.training = request
    }
    self.arm = arm
  }

  private static func request(
    _ name: String, _ drawing: JSONObject, _ place: GridPlace
  ) throws -> ArmRequest {
    var request = ArmRequest(name: name)
    request.schedule = try place.text(drawing["schedule"], "schedule")
    request.cfg = try place.number(drawing["cfg"], "cfg")
    request.guidance = try place.number(drawing["guidance"], "guidance")
    request.assumedAlpha = try place.number(drawing["assume-alpha"], "assume-alpha")
    request.compatibility = try place.text(drawing["compat"], "compat").map { text in
      guard let compatibility = DrawingRequest.Compatibility(rawValue: text) else {
        let known = DrawingRequest.Compatibility.allCases.map(\.rawValue).joined(separator: " or ")
        throw place.wrong("compat", expected: known, found: .string(text))
      }
      return compatibility
    }
    let adapters = drawing["adapter"].map { $0.array ?? [$0] } ?? []
    request.adapters = [
      try adapters.map { value in
        guard let text = value.string else {
          throw place.wrong("adapter", expected: "[phase=]file[:strength]", found: value)
        }
        var adapter = try DrawingRequest.AdapterRequest(AdapterArgument(text))
        adapter.file = place.path(adapter.file)
        return adapter
      }
    ]
    return request
  }
}
