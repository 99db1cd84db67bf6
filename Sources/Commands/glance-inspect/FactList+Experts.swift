internal import Adapters
internal import Checkpoints
internal import Inspection
internal import Reports
internal import SystemPackage
internal import Tensors

/// What a merge for both phases wrote.
extension FactList {
  mutating func add(_ folder: BakedFolder, _ experts: [Inspected], of whole: Inspected) {
    let phases = folder.experts.map { ($0.declared.phase ?? "").safe }
    let family = folder.experts.first?.family?.title ?? "transformers"
    heading =
      "\(Readable.count(experts.count, "baked expert")) for \(family): "
      + phases.joined(separator: " and ")
    for (expert, inspection) in zip(folder.experts, experts) {
      add((expert.declared.phase ?? "").safe, text(expert, inspection))
    }
    if experts.count > 1 { addShared(whole) }
    let bases = folder.experts.compactMap(\.base)
    for (index, base) in bases.enumerated()
    where !bases[..<index].contains(where: { $0.canBe(base) }) {
      add(index == 0 ? "baked into" : "", SafeText.terminal("\(base)", limit: 200))
    }
  }

  private func text(_ expert: BakedExpert, _ inspection: Inspected) -> String {
    let kind: String
    switch inspection.subject {
    case .pipeline(let pipeline, _): kind = "pipeline \(pipeline.className.safe)"
    default: kind = "transformer, \(inspection.source?.container.name.safe ?? "")"
    }
    let shown = expert.adapters.prefix(isVerbose ? Int.max : 6)
    var adapters = shown.map {
      let blocks = $0.blocks.map {
        "\(SafeText.terminal($0.name, limit: 80)) x\(Readable.significant($0.strength, digits: 6))"
      }
      return
        "\(SafeText.terminal($0.file, limit: 80)) x\(Readable.significant($0.strength, digits: 6))"
        + (blocks.isEmpty ? "" : " (\(blocks.joined(separator: ", ")))")
    }
    if shown.count < expert.adapters.count {
      adapters.append("\(expert.adapters.count - shown.count) more")
    }
    let name = expert.name == expert.declared.phase ? "" : "\(expert.name.safe): "
    return "\(name)\(kind), \(Readable.bytes(inspection.storedByteCount))"
      + (adapters.isEmpty ? "" : ", with " + adapters.joined(separator: " + "))
  }

  private mutating func addShared(_ whole: Inspected) {
    let bytes = whole.sharedTransformerByteCount
    var shared = whole.sharedComponents.map(\.safe)
    if bytes > 0 {
      shared.append(
        "\(Readable.bytes(bytes)) of the transformers' \(Readable.bytes(whole.expertByteCount))")
    }
    add("shared", shared.isEmpty ? "no file" : shared.joined(separator: ", "))
  }
}
