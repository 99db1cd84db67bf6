internal import AdapterAlgebra
internal import Adapters
internal import Checkpoints
public import JSON
internal import SystemPackage

extension AdapterConversion {
  /// For programs: version 1 of `glance-convert --json` for adapters.
  ///
  /// - Parameter isWritten: whether it was done, or only planned.
  /// - Returns: one object.
  public func json(isWritten: Bool) -> JSONValue {
    let adapter = adapter.includingPairsOfLengths
    var object: JSONObject = [
      "format": "glance-convert-adapter/1", "dry_run": .bool(!isWritten),
      "input": .string(input.string),
      "output": .string(output.string), "dialect": .string(dialect),
      "family": adapter.family.map { .string($0.name) } ?? .null,
      "modules": .integer(Int64(adapter.modules.count)),
      "text_encoders": .object(
        JSONObject(
          adapter.textEncoders.sorted { $0.key < $1.key }.map {
            JSONObject.Member(key: $0.key, value: .integer(Int64($0.value.modules.count)))
          })),
      "ranks": .array(adapter.ranks.map { .integer(Int64($0)) }),
      "scales": .array(adapter.scales.map { .number($0) }),
      "dora": .bool(adapter.hasLengths),
      "base_factors": baseFactors.map { .string($0.method) } ?? .null,
      "notes": .array(notes.map { .string($0.text) }),
    ]
    for member in ranks?.json.members ?? [] { object[member.key] = member.value }
    return .object(object)
  }
}
