/// An adapter that was attached to a model when the model was saved: the modules that it changes hold
/// their own weights as `base_layer`, and the adapter's beside that.
///
/// Whether the adapter was added to `base_layer` before (diffusers' `fuse_lora`), such a file doesn't
/// say, so neither the weights without it nor those with it can be had from the file alone.
///
/// Source: huggingface/peft, `tuners/tuners_utils.py` (`BaseTunerLayer.base_layer`),
/// `utils/other.py` (`ModulesToSaveWrapper.original_module`).
public struct AttachedAdapter: Sendable, Equatable {
  /// Paths of the modules, in the order of the file.
  public let modules: [String]
  private let paths: Set<[UInt8]>

  /// Finds the modules; nil when there is none.
  init?(names: some Sequence<String>) {
    var modules: [String] = []
    var paths: Set<[UInt8]> = []
    for name in names {
      guard let range = Self.segment(in: name) else { continue }
      let path = Array(name.utf8.prefix(range.lowerBound))
      if paths.insert(path).inserted { modules.append(String(decoding: path, as: UTF8.self)) }
    }
    guard !modules.isEmpty else { return nil }
    self.modules = modules
    self.paths = paths
  }

  /// The name that a tensor had before the adapter was attached; nil when that is its name.
  static func baseName(of name: String) -> String? {
    guard let range = segment(in: name) else { return nil }
    return String(decoding: name.utf8.prefix(range.lowerBound), as: UTF8.self)
      + String(decoding: name.utf8.dropFirst(range.upperBound), as: UTF8.self)
  }

  /// Whether a tensor lies in one of the modules.
  func holds(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    return bytes.indices.contains { position in
      bytes[position] == UInt8(ascii: ".") && paths.contains(Array(bytes[..<position]))
    }
  }

  /// What there is, and what to do.
  var advice: String {
    "saved with an adapter attached: '\(modules[0])'"
      + (modules.count > 1 ? " and \(modules.count - 1) more modules hold" : " holds")
      + " 'base_layer' and an adapter's factors, and whether they are added to it already, the file "
      + "doesn't say; load the model where it was made, take the adapter off "
      + "(unload_lora_weights() or unload()), and save it again"
  }

  private static let segments = Recognition.shared.attached.map { Array((".\($0).").utf8) }

  /// Where in a name the first segment stands with the dot before it.
  private static func segment(in name: String) -> Range<Int>? {
    let bytes = name.utf8.span
    for start in bytes.indices where bytes[start] == UInt8(ascii: ".") {
      for segment in segments
      where start + segment.count < bytes.count && bytes[start + 1] == segment[1] {
        if segment.indices.allSatisfy({ bytes[start + $0] == segment[$0] }) {
          return start..<start + segment.count - 1
        }
      }
    }
    return nil
  }
}
