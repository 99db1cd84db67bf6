internal import Adapters
internal import Checkpoints
internal import JSON
internal import SystemPackage

/// The report on what a merge for both phases wrote, for programs.
extension Inspected {
  /// Adds what the experts have in common, and the facts of each.
  func add(
    _ folder: BakedFolder, _ experts: [Inspected], to object: inout JSONObject
  ) {
    object["kind"] = "baked-experts"
    object["family"] = folder.experts.first?.family.map { .string($0.name) } ?? .null
    object["schedule"] = commonSchedule?.sigmas.map(JSONValue.string) ?? .null
    object["parameters"] = JSONValue(count: parameterCount)
    object["bytes"] = JSONValue(count: byteCount)
    object["stored_bytes"] = JSONValue(count: storedByteCount)
    object["shared_components"] = .array(sharedComponents.map { .string($0) })
    object["shared_transformer_bytes"] = JSONValue(count: sharedTransformerByteCount)
    object["experts"] = .array(
      zip(folder.experts, experts).map { expert, inspection in
        var facts: JSONObject = [
          "phase": expert.declared.phase.map(JSONValue.string) ?? .null,
          "path": .string(expert.path.string),
          "base": expert.base.map { .string($0.file) } ?? .null,
          "adapters": .array(
            expert.adapters.map {
              var adapter: JSONObject = [
                "file": .string($0.file), "strength": .number($0.strength),
              ]
              if !$0.blocks.isEmpty {
                adapter["blocks"] = .object(
                  $0.blocks.reduce(into: JSONObject()) { $0[$1.name] = .number($1.strength) })
              }
              return .object(adapter)
            }),
        ]
        inspection.addFacts(to: &facts)
        return .object(facts)
      })
  }
}
