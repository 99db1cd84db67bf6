internal import Adapters
internal import Checkpoints
internal import Conversion
internal import Reports
internal import SystemPackage

/// What a conversion of an adapter tells.
struct AdapterConversionReport {
  private let conversion: AdapterConversion

  init(_ conversion: AdapterConversion) { self.conversion = conversion }

  private var adapter: Adapter { conversion.adapter }

  func text(isWritten: Bool) -> String {
    let modules = adapter.components.flatMap(\.modules)
    let scales = Set(modules.map(\.scale)).sorted().map { Readable.significant($0, digits: 6) }
    let ranks = Set(modules.map(\.rank)).sorted().map(String.init)
    return
      "\(isWritten ? "wrote" : "writes") \(SafeText.terminal(conversion.output.string)): "
      + "\(conversion.dialect) dialect, \(Readable.count(adapter.modules.count, "module")), "
      + "rank \(list(ranks)), scale \(list(scales))\(textEncoders)\n"
  }

  private var textEncoders: String {
    adapter.textEncoders.sorted { $0.key < $1.key }.map {
      "; \(Readable.count($0.value.count, "module")) of \($0.key)"
    }.joined()
  }

  private func list(_ values: [String]) -> String {
    values.count > 3
      ? "\(values[0]) to \(values[values.count - 1])" : values.joined(separator: ", ")
  }
}
