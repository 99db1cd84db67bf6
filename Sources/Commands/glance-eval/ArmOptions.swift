internal import ArgumentParser
internal import CommandSupport
internal import Drawing
internal import Evaluation
internal import OptionGroups
internal import SystemPackage

/// The ways of drawing that `glance-eval run` compares.
struct ArmOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A way of drawing: a name, a colon, and any of adapter=[phase=]file[:strength], \
      transformer=[phase=]file, schedule=, cfg=, guidance=, compat=, assume-alpha=; repeat for several.
      """, valueName: "name: key=value …"))
  var arm: [String] = []

  @Option(
    name: [.long, .customLong("lora")],
    help: ArgumentHelp(
      "Instead of --arm: one way of drawing, with this adapter or bundle; repeat for several in it.",
      valueName: "[phase=]file[:strength]"))
  var adapter: [String] = []

  @Option(
    help: ArgumentHelp(
      "Instead of --arm: its schedule, as glance-sample takes it.", valueName: "schedule"))
  var schedule: String?

  @Option(
    name: [.long, .customLong("cfg-scale")],
    help: "Instead of --arm: its classifier-free guidance scale.")
  var cfg: Double?

  @Option(help: "Instead of --arm: its guidance value (FLUX.1).")
  var guidance: Double?

  mutating func validate() throws {
    let isOne = !adapter.isEmpty || schedule != nil || cfg != nil || guidance != nil
    guard arm.isEmpty || !isOne else {
      throw ValidationError(
        "--arm says everything of an arm: put adapter=, schedule=, cfg= and guidance= into it.")
    }
    guard !arm.isEmpty || isOne else {
      throw ValidationError("Give what to measure: --arm, or --adapter or --schedule.")
    }
  }

  func requests() throws -> [ArmRequest] {
    guard arm.isEmpty else { return try arm.map { try ArmArgument($0).request } }
    let adapters = try adapter.map { try DrawingRequest.AdapterRequest(AdapterArgument($0)) }
    let names = adapters.map { $0.file.stem ?? "adapter" }
    var request = ArmRequest(
      name: names.isEmpty ? schedule ?? "plain" : names.joined(separator: " + "))
    request.adapters = [adapters]
    request.schedule = schedule
    request.cfg = cfg
    request.guidance = guidance
    return [request]
  }
}
