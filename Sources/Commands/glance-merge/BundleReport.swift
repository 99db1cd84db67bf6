internal import Adapters
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
}
