import Adapters
import Elements
import FuzzSupport
import SystemPackage
import Tensors
import Text

/// The keys of an adapter, one a line, perhaps with a shape before it (`4x64 name`); a line that
/// begins with `{` is the header that PEFT writes. Every key must come out as part of a module, of a
/// text encoder or of a problem, and what is readable must be writable.
@main
enum AdapterNamesTarget: FuzzTarget {
  static func run(_ input: RawSpan) {
    let text = String(decoding: input.array.prefix(4096), as: UTF8.self)
    var names: [(name: String, shape: [Int])] = []
    var metadata: Metadata = []
    for line in text.unicodeScalars.split(separator: "\n").prefix(64) {
      if line.first == "{" {
        metadata = [("lora_adapter_metadata", String(line))]
      } else if let (name, shape) = key(String(line)) {
        // A file has every name once.
        if !names.contains(where: { $0.name.sameBytes(as: name) }) {
          names.append((name, shape))
        }
      }
    }
    let tensors = names.map { name, shape in
      TensorView(name: name, shape: shape, Array(repeating: 0.5, count: shape.reduce(1, *)))
    }
    read(
      AdapterFile(
        path: "adapter", tensors: tensors, metadata: metadata, configuration: .none))
  }

  private static func read(_ file: AdapterFile) {
    _ = file.problems.map { "\($0)" }
    let adapter: Adapter
    do { adapter = try file.adapter() } catch {
      _ = "\(error)"
      return
    }
    promise(!file.problems.contains(where: \.isError), "an adapter with problems is refused")
    let paths = adapter.modules.map(\.path)
    promise(Set(paths).count == paths.count && !paths.isEmpty, "each module once")
    for module in adapter.modules {
      promise(module.scale.isFinite, "scales are numbers")
      promise(
        module.rank > 0 && module.down.byteCount == module.rank * module.inFeatures * 4
          && module.up.byteCount == module.rank * module.outFeatures * 4, "factors have their size")
    }
    _ = adapter.cleanMetadata()
  }

  /// Reads `4x64 name` or `name`; nil for a shape too large to make.
  private static func key(_ line: String) -> (name: String, shape: [Int])? {
    let parts = line.split(separator: " ", maxSplits: 1)
    let sizes = (parts.first ?? "").split(separator: "x", omittingEmptySubsequences: false)
      .map { Int($0) }
    guard parts.count == 2, !sizes.contains(nil) else { return (line, [2, 3]) }
    let shape = sizes.compactMap(\.self)
    guard shape.count <= 4, shape.allSatisfy({ 0...256 ~= $0 }), shape.reduce(1, *) <= 1 << 16
    else { return nil }
    return (String(parts[1]), shape)
  }
}
