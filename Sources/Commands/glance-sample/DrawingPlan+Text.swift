internal import Adapters
internal import Autoencoders
internal import Compute
internal import DiffusionTransformers
internal import Drawing
internal import OptionGroups
internal import Reports
internal import Schedules
internal import SystemPackage

/// What `--dry-run` tells a person.
extension DrawingPlan {
  /// What will be drawn, and what it takes.
  func text(to files: [FilePath]) throws -> String {
    let (pass, decoding) = (try pass(), try decoding())
    let texts =
      try keptTexts().map {
        "encoded by an earlier run: \($0.kept) of \(Readable.count($0.all, "text"))\n"
      } ?? ""
    return "draws \(Readable.count(files.count, "picture")) of "
      + "\(size.width)x\(size.height)\(sizeSource) to \(SafeText.terminal(files[0].string))\(files.count > 1 ? " …" : "")\n"
      + walkText + texts
      + "\(passesPerPicture) forward passes (NFE) a picture, "
      + "\(passesPerPicture * files.count) in all\n"
      + "takes about \(Readable.bytes(peakByteCount(with: pass, decoding))) beside the mapped weights\n"
      + (try residency()?.lines.map { $0 + "\n" }.joined() ?? "")
      + "a pass is \(Readable.operations(pass.work.operations)), about "
      + "\(Readable.duration(.seconds(pass.seconds()))) on this machine, decoding a picture "
      + "\(Readable.operations(decoding.work.operations)), about "
      + "\(Readable.duration(.seconds(decoding.seconds())))\n"
  }

  /// A line for every phase with its steps, the transformer that takes them where it isn't just the
  /// model's own, and the adapters that serve it, and one for guidance.
  var walkText: String {
    let phases = schedule.phases.map { phase in
      let sigmas = schedule.indices(of: phase).map {
        Readable.fixed(Double(schedule.entries[$0].sigma), places: 4)
      }
      let shown = sigmas.count > 8 ? Array(sigmas.prefix(3)) + ["…"] + sigmas.suffix(2) : sigmas
      return "\(phase): \(Readable.count(sigmas.count, "step")) at sigma "
        + shown.joined(separator: ", ") + transformer(serving: phase) + adapters(serving: phase)
    }
    let start =
      request.image.map {
        "starts from \(SafeText.terminal($0.file.lastComponent?.string ?? "")) under noise, of which "
          + "\(Readable.significant(100 * $0.strength, digits: 3)) % is drawn anew\n"
      } ?? ""
    let guidance = guidance.map { ", guidance \($0)" } ?? ""
    let rule = schedule.rule == .renoise ? ", new noise after every step but the last" : ""
    return start + phases.joined(separator: "\n") + "\ncfg \(cfg)\(guidance)\(rule)\n"
  }

  /// Who says how large pictures are, where nobody asked.
  private var sizeSource: String {
    switch size.source {
    case .asked: ""
    case .file(let name): ", which \(SafeText.terminal(name)) was made for,"
    case .model: ", the model's own size,"
    }
  }

  private func transformer(serving phase: Phase) -> String {
    guard let applied = transformers.serving(phase),
      applied.file != nil || applied.bakedPhase != nil
    else { return "" }
    let name =
      applied.file == nil ? "own transformer" : "transformer \(SafeText.terminal(applied.name))"
    return "; \(name)"
      + (applied.bakedPhase.map { " (expert '\(SafeText.terminal($0))' baked in)" } ?? "")
  }

  private func adapters(serving phase: Phase) -> String {
    guard !adapters.isEmpty else { return "" }
    let serving = adapters.serving(phase).map {
      "\(SafeText.terminal($0.file.lastComponent?.string ?? "")) x"
        + Readable.significant($0.strength, digits: 6)
        + ($0.blocks.isEmpty ? "" : " (\(SafeText.terminal("\($0.blocks)")))")
    }
    return "; " + (serving.isEmpty ? "the base alone" : serving.joined(separator: " + "))
  }
}
