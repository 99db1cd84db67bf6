internal import Adapters
internal import JSON
internal import Merging
internal import Reports
internal import SystemPackage

/// What the making of a bundle tells.
struct BundleReport {
  private let experts: [MergedAdapter]
  private let output: FilePath
  private let isWritten: Bool

  init(_ experts: [MergedAdapter], output: FilePath, isWritten: Bool) {
    self.experts = experts
    self.output = output
    self.isWritten = isWritten
  }

  var text: String {
    experts.map {
      "\($0.phase ?? "-"): \(Readable.count($0.adapter.modules.count, "module")) of "
        + "\(SafeText.terminal($0.file.string))\n"
    }.joined() + (isWritten ? "wrote" : "writes") + " \(SafeText.terminal(output.string))\n"
  }

  /// For programs: version 1 of `glance-merge --mode bundle --json`.
  var json: JSONValue {
    [
      "format": "glance-merge-bundle/1", "dry_run": .bool(!isWritten),
      "output": .string(output.string),
      "experts": .array(
        experts.map {
          [
            "phase": $0.phase.map { .string($0) } ?? .null, "file": .string($0.file.string),
            "modules": .integer(Int64($0.adapter.modules.count)),
            "strength": .number($0.strength),
          ]
        }),
    ]
  }
}
