internal import AdapterAlgebra
internal import Adapters
public import JSON
public import SystemPackage

extension DerivedAdapter {
  /// The share of the adapter's energy that is kept; nil where ranks stay, or there is none.
  public var energyKept: Double? { ranks?.energyKeptOfAny }

  /// For programs: version 1 of `glance-merge --mode adapter --json`.
  ///
  /// - Parameters:
  ///   - output: its file.
  ///   - isWritten: whether it was written, or only made.
  /// - Returns: one object.
  public func json(output: FilePath, isWritten: Bool) -> JSONValue {
    var object: JSONObject = [
      "format": "glance-merge-adapter/1", "dry_run": .bool(!isWritten),
      "output": .string(output.string),
      "modules": .integer(Int64(adapter.modules.count)),
      "ranks": .array(adapter.ranks.map { .integer(Int64($0)) }),
      "scales": .array(adapter.scales.map { .number($0) }),
    ]
    for member in ranks?.json.members ?? [] { object[member.key] = member.value }
    if let extraction {
      object["unchanged"] = .array(extraction.unchanged.map { .string($0) })
      object["left_out"] = .array(
        extraction.leftOut.map {
          [
            "name": .string($0.name), "norm": .number($0.norm),
            "reason": .string($0.reason.rawValue),
          ]
        })
    }
    return .object(object)
  }
}
