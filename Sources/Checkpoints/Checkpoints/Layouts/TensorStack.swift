internal import Elements
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

  /// Parts that are all there.
  fileprivate struct Found {
    let name: String
    let parts: [TensorView]
    /// Nil where they don't go together.
    let whole: TensorView?

    /// Why there is no whole, in words.
    var fault: String {
      parts.map { "'\($0.name)' \($0.shape) \($0.encoding.name)" }.joined(separator: ", ")
        + " can't be put together to '\(name)', expected one shape, and types that are read where they differ"
    }
  }

  /// The parts, where a tensor is the first of them and all are there.
  fileprivate func parts(beginningWith first: TensorView, in source: TensorSource) -> Found? {
    guard let number = Self.number(in: first.name, parts[0].parts(around: "{}")) else { return nil }
    func full(_ pattern: String) -> String {
      let (head, tail) = pattern.parts(around: "{}")
      return tail.map { head + number + $0 } ?? head
    }
    let views = parts.map(full).compactMap(source.find)
    guard views.count == parts.count else { return nil }
    return Found(
      name: full(name), parts: views,
      whole: TensorView.stacked(views, axis: axis, named: full(name)))
  }

  /// What stands for `{}`; empty for a pattern without one. Nil for a name that isn't such.
  private static func number(
    in name: String, _ pattern: (head: String, tail: String?)
  ) -> String? {
    guard let tail = pattern.tail else { return name.sameBytes(as: pattern.head) ? "" : nil }
    guard let number = name.droppingPrefix(pattern.head)?.droppingSuffix(tail),
      !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return number
  }
}

extension TensorSource {
  /// The same tensors, those of a known component that its GGUF files keep in several put together. Parts that
  /// don't go together stay as they are, and ``TensorSource/problems`` says why.
  ///
  /// - Throws: when two tensors would get one name.
  func stackingParts() throws(TensorError) -> TensorSource {
    let component = GGUFModel(of: self)?.component
    let layouts = component.flatMap(ComponentModel.named)?.layouts ?? []
    let stacks = layouts.flatMap(\.stacks)
    if stacks.isEmpty { return self }
    var wholes: [String: TensorView] = [:]
    var parts = Set<String>()
    var faults: [String] = []
    for tensor in tensors {
      let found = stacks.lazy.compactMap { $0.parts(beginningWith: tensor, in: self) }.first
      guard let found else { continue }
      guard let whole = found.whole else {
        faults.append(found.fault)
        continue
      }
      wholes[tensor.name] = whole
      parts.formUnion(found.parts.map(\.name))
    }
    if wholes.isEmpty && faults.isEmpty { return self }
    return try TensorSource(
      path: path, container: container, files: files,
      tensors: tensors.compactMap { tensor in
        wholes[tensor.name] ?? (parts.contains(tensor.name) ? nil : tensor)
      },
      metadata: metadata, index: index, problems: problems + faults)
  }
}
