internal import Formats
internal import JSON
internal import Tensors
internal import Text

/// A tensor of a model that a layout keeps in several.
struct TensorStack: Sendable {
  /// Its name, in which `{}` stands for a number.
  private let name: String
  /// Those of its parts, with the same number.
  private let parts: [String]
  /// The axis along which parts are slices; nil for rows one below the other.
  private let axis: Int?

  init(_ entry: JSONValue) {
    name = entry.text("tensor")
    parts = entry.texts("of")
    axis = entry["axis"]?.integer
    precondition(parts.count > 1, "'\(name)': parts")
  }

  /// The whole, where a tensor is the first of its parts and all are there.
  fileprivate func whole(
    beginningWith first: TensorView, in source: TensorSource
  ) -> (tensor: TensorView, parts: [String])? {
    guard let number = Self.number(in: first.name, Self.split(parts[0])) else { return nil }
    func full(_ pattern: String) -> String { Self.split(pattern).joined(separator: number) }
    let names = parts.map(full)
    let views = names.compactMap(source.find)
    guard views.count == names.count,
      let whole = TensorView.stacked(views, axis: axis, named: full(name))
    else { return nil }
    return (whole, names)
  }

  private static func split(_ pattern: String) -> [Substring] {
    pattern.split(separator: "{}", omittingEmptySubsequences: false)
  }

  /// What stands for `{}`; empty for a pattern without one. Nil for a name that isn't such.
  private static func number(in name: String, _ pattern: [Substring]) -> String? {
    guard pattern.count == 2 else { return name.sameBytes(as: String(pattern[0])) ? "" : nil }
    guard let rest = name.droppingPrefix(String(pattern[0])),
      let number = rest.droppingSuffix(String(pattern[1])),
      !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return number
  }
}

extension TensorSource {
  /// The same tensors, those of a known component that its GGUF files keep in several put together;
  /// ``TensorSource/problems`` says so. Parts that don't go together stay as they are.
  ///
  /// - Throws: when two tensors would get one name.
  func stackingParts() throws(TensorError) -> TensorSource {
    let component = GGUFModel(of: self)?.component
    let layouts = component.flatMap(ComponentModel.named)?.layouts ?? []
    let stacks = layouts.flatMap(\.stacks)
    var wholes: [String: TensorView] = [:]
    var parts = Set<String>()
    for tensor in tensors {
      let found = stacks.lazy.compactMap { $0.whole(beginningWith: tensor, in: self) }.first
      guard let found else { continue }
      wholes[tensor.name] = found.tensor
      parts.formUnion(found.parts)
    }
    if wholes.isEmpty { return self }
    return try TensorSource(
      path: path, container: container, files: files,
      tensors: tensors.compactMap { tensor in
        wholes[tensor.name] ?? (parts.contains(tensor.name) ? nil : tensor)
      },
      metadata: metadata, index: index,
      problems: problems + [
        "\(parts.count) tensors are put together to the \(wholes.count) that the model has"
      ])
  }
}
