internal import Drawing
public import ExpertTraining
internal import Files
internal import JSON
internal import Schedules
internal import SystemPackage
internal import Training

/// One training of a table, and where its experts lie: arms that ask for the same share it.
public struct AblationTraining: Sendable {
  /// What is trained.
  public let plan: ExpertPlan
  /// What its folder is called: the same for the same settings, model and samples.
  let key: String

  init(_ request: ExpertRequest) throws {
    plan = try ExpertPlan(request)
    // All of them: the schedule is among those that say how it was asked for.
    let settings = plan.runSettings.members { _ in true }
    let files = [request.model, request.transformer].map { path in
      path.map { JSONValue.string($0.string) } ?? .null
    }
    let samples = request.samples.map { sample -> JSONValue in
      [.string(sample.image?.string ?? ""), .string(sample.caption)]
    }
    let decides = JSONValue.array([
      .object(JSONObject(settings)), .array(files), .array(samples),
      .array(plan.phases.map { .string($0.name) }),
    ])
    key = String(unsafe SHA256.hexadecimal(of: Array(decides.text().utf8).span.bytes).prefix(16))
  }

  /// Optimiser steps of all its experts.
  public var stepCount: Int { plan.settings.steps * plan.phases.count }

  /// Where its experts are written.
  func output(in folder: FilePath, startsAnew: Bool = false) -> ExpertOutput {
    var output = ExpertOutput(
      folder: folder.appending("experts").appending(key), name: "glance")
    output.resumes = !startsAnew && output.folder.isThere
    output.overwrite = startsAnew
    output.saveEvery = 10
    return output
  }

  /// Its experts' files, each for its phase.
  func adapters(in folder: FilePath, strength: Double) -> [DrawingRequest.AdapterRequest] {
    let output = output(in: folder)
    return plan.phases.map { phase in
      DrawingRequest.AdapterRequest(file: output.file(phase), strength: strength, phase: nil)
    }
  }
}
