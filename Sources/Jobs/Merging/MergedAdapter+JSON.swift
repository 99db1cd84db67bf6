internal import Adapters
public import JSON
public import SystemPackage

extension [MergedAdapter] {
  /// For programs: version 1 of `glance-merge --mode bundle --json`.
  ///
  /// - Parameters:
  ///   - output: the bundle.
  ///   - isWritten: whether it was written, or only checked.
  /// - Returns: one object.
  public func bundleJSON(output: FilePath, isWritten: Bool) -> JSONValue {
    [
      "format": "glance-merge-bundle/1", "dry_run": .bool(!isWritten),
      "output": .string(output.string),
      "experts": .array(
        map {
          [
            "phase": $0.phase.map { .string($0) } ?? .null, "file": .string($0.file.string),
            "modules": .integer(Int64($0.adapter.modules.count)),
            "strength": .number($0.strength), "blocks": $0.blocks.json,
          ]
        }),
    ]
  }
}
