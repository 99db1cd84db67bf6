internal import Adapters
public import JSON
internal import Rewriting
internal import SystemPackage

extension [Bake] {
  /// For programs: version 1 of `glance-merge --dry-run --json`.
  public var plannedJSON: JSONValue {
    [
      "format": "glance-merge-plan/1", "dry_run": true,
      "outputs": .array(
        map { bake in
          [
            "output": .string(bake.request.output.string),
            "bytes": .integer(Int64(bake.byteCount)), "base": .string(bake.plan.baseTitle),
            "adapters": .array(bake.request.adapters.map(\.json)),
            "modules": .array(bake.modules.map { .string($0) }),
            "left_out": .array(bake.leftOut.map { .string($0) }),
            "coded_layers": bake.codedLayers.json,
          ]
        }),
    ]
  }
}

extension [BakeResult] {
  /// For programs: version 1 of `glance-merge --json`.
  ///
  /// - Parameter sentence: what survived, for people.
  /// - Returns: one object.
  public func json(sentence: (Survival) -> String) -> JSONValue {
    [
      "format": "glance-merge/1", "dry_run": false,
      "outputs": .array(
        map { result in
          [
            "output": .string(result.output.string),
            "adapters": .array(result.adapters.map(\.json)),
            "verdict": .string(result.total.verdict.rawValue),
            "sentence": .string(sentence(result.total)), "total": result.total.json,
            "modules": .array(
              result.modules.map {
                ["module": .string($0.module), "survival": $0.survival.json]
              }
            ),
            "left_out": .array(result.leftOut.map { .string($0) }),
            "coded_layers": result.codedLayers.json,
            "undo": result.undo.map { .string($0.string) } ?? .null,
          ]
        }),
    ]
  }
}

extension CodedLayers {
  /// How many keep their codes and how many are written in which form; null for none.
  fileprivate var json: JSONValue {
    if isEmpty { return .null }
    let written = self.written.sorted { $0.key < $1.key }.map {
      JSONObject.Member(key: $0.key, value: .integer(Int64($0.value)))
    }
    return ["kept": .integer(Int64(kept)), "written": .object(JSONObject(written))]
  }
}

extension MergedAdapter {
  /// What is merged and how strongly.
  fileprivate var json: JSONValue {
    [
      "file": .string(file.string), "phase": phase.map { .string($0) } ?? .null,
      "strength": .number(strength), "blocks": blocks.json,
    ]
  }
}

extension Survival {
  fileprivate var json: JSONValue {
    [
      "norm": .number(norm), "cosine": cosine.map { .number($0) } ?? .null,
      "gain": gain.map { .number($0) } ?? .null, "unchanged": .number(unchangedShare),
    ]
  }
}
