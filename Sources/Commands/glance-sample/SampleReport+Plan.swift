internal import Drawing
internal import JSON
internal import Reports
internal import Schedules
internal import SystemPackage

/// What `--dry-run` tells.
extension SampleReport {
  /// For programs: what a run prints, without times, and what it will take.
  var planJSON: JSONValue {
    get throws {
      var object = shared
      object["format"] = "glance-sample/1"
      object["dry_run"] = true
      object["pictures"] = .array(
        (0..<files.count).map {
          [
            "file": .string(files.file($0).string), "prompt": .string(plan.prompt(ofPicture: $0)),
            "seed": Self.seed(plan.seed(ofPicture: $0)),
          ]
        })
      object["memory"] = .integer(Int64(try plan.peakByteCount()))
      return .object(object)
    }
  }

  /// For people.
  var planText: String {
    get throws {
      let request = plan.request
      return "draws \(Readable.count(files.count, "picture")) of "
        + "\(request.width)x\(request.height) to \(SafeText.terminal(files.file(0).string))\(files.count > 1 ? " …" : "")\n"
        + walkText
        + "\(plan.passesPerPicture) forward passes (NFE) a picture, "
        + "\(plan.passesPerPicture * files.count) in all\n"
        + "takes about \(Readable.bytes(try plan.peakByteCount())) beside the mapped weights\n"
    }
  }

  /// A line for every phase with its steps, the transformer that takes them where it isn't just the
  /// model's own, and the adapters that serve it, and one for guidance.
  var walkText: String {
    let phases = plan.schedule.phases.map { phase in
      let sigmas = plan.schedule.indices(of: phase).map {
        Readable.fixed(Double(plan.schedule.entries[$0].sigma), places: 4)
      }
      let shown = sigmas.count > 8 ? Array(sigmas.prefix(3)) + ["…"] + sigmas.suffix(2) : sigmas
      return "\(phase): \(Readable.count(sigmas.count, "step")) at sigma "
        + shown.joined(separator: ", ") + transformer(serving: phase) + adapters(serving: phase)
    }
    let guidance = plan.guidance.map { ", guidance \($0)" } ?? ""
    return phases.joined(separator: "\n") + "\ncfg \(plan.cfg)\(guidance)\n"
  }

  private func transformer(serving phase: Phase) -> String {
    guard let applied = plan.transformers.serving(phase),
      applied.file != nil || applied.bakedPhase != nil
    else { return "" }
    let name =
      applied.file == nil ? "own transformer" : "transformer \(SafeText.terminal(applied.name))"
    return "; \(name)"
      + (applied.bakedPhase.map { " (expert '\(SafeText.terminal($0))' baked in)" } ?? "")
  }

  private func adapters(serving phase: Phase) -> String {
    guard !plan.adapters.isEmpty else { return "" }
    let serving = plan.adapters.serving(phase).map {
      "\(SafeText.terminal($0.file.lastComponent?.string ?? "")) x"
        + Readable.significant($0.strength, digits: 6)
    }
    return "; " + (serving.isEmpty ? "the base alone" : serving.joined(separator: " + "))
  }
}
