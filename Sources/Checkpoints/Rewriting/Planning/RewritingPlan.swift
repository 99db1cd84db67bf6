public import Checkpoints
internal import Elements
public import JSON
public import Tensors
internal import Text

/// What a conversion writes, computed from headers alone: every tensor of the output and what it is
/// made of, and every tensor of the input that has no place there.
public struct RewritingPlan: Sendable {
  /// What was asked for.
  public package(set) var request: RewritingRequest
  /// What the input is.
  public let input: OpenedCheckpoint
  /// Tensors of the output, in its order.
  package let tensors: [PlannedTensor]
  /// Texts of the output's header.
  public package(set) var metadata: Metadata
  /// config.json of the output, where it is a folder that has one.
  public let configuration: JSONObject?
  /// Layout of the output and what stands before its names; nil for tensors of no known model.
  package let target: (layout: Layout, prefix: String)?
  /// What is written.
  public let destination: Destination
  /// The types of a GGUF file.
  let gguf: GGUFChoice?
  /// Tensors of the input that are left out.
  public let leftOut: [TensorDescription]
  /// What a person should know, one sentence each.
  public let notes: [String]
  /// What becomes of layers that are stored as codes, where names and types stay and values change; else none.
  public let codedLayers: CodedLayers

  /// What is written.
  public enum Destination: Sendable, Equatable {
    /// One safetensors file.
    case file
    /// A folder with config.json, one file or shards, named after this.
    case folder(base: String)
    /// One GGUF file.
    case gguf
  }

  /// Bytes of all tensors of the output, before compression.
  public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// Numbers of the output that come from the input.
  public var elementCount: Int {
    tensors.reduce(0) { sum, tensor in
      guard case .elements = tensor.origin else { return sum }
      return sum + tensor.elementCount
    }
  }

  /// Number of tensors of the output.
  public var tensorCount: Int { tensors.count }

  /// Layout that the output has; nil for tensors of no known model.
  public var layoutName: String? {
    guard let target else { return nil }
    if let asked = request.layout { return asked }
    // The same names behind a prefix have a name of their own.
    return input.description.layouts.first {
      $0.namesOf == target.layout.namesOf && $0.prefix == target.prefix
    }?.name ?? target.layout.name
  }
}

/// What becomes of the input's tensors, counted.
extension RewritingPlan {
  /// How many tensors are made in which way.
  public struct Summary: Sendable, Equatable {
    /// Bytes as they are, under the same name.
    public var copied = 0
    /// Bytes as they are, under another name.
    public var renamed = 0
    /// Rows of a larger tensor.
    public var split = 0
    /// Rows of several tensors.
    public var fused = 0
    /// Halves exchanged.
    public var swapped = 0
    /// Of all these, those whose elements are stored in another way.
    public var cast = 0
    /// Scales, notes and markers that are new.
    public var added = 0
  }

  /// How many tensors are made in which way.
  public var summary: Summary {
    tensors.reduce(into: Summary()) { summary, tensor in
      guard case .elements(let pieces, let encoding) = tensor.origin else {
        summary.added += 1
        return
      }
      if encoding != .copy { summary.cast += 1 }
      let names = Set(pieces.map { Array($0.tensor.name.utf8) })
      if names.count > 1 {
        summary.fused += 1
      } else if pieces.count > 1 {
        summary.swapped += 1
      } else if let piece = pieces.first, piece.elements.count < piece.tensor.elementCount {
        summary.split += 1
      } else if pieces.first?.tensor.name.sameBytes(as: tensor.name) ?? false {
        summary.copied += 1
      } else {
        summary.renamed += 1
      }
    }
  }

  /// How many bytes of the output are stored in which type, the largest first.
  public var storage: [(type: String, byteCount: Int)] {
    let bytes = tensors.reduce(into: [:]) { $0[$1.typeName, default: 0] += $1.byteCount }
    return bytes.filter { $0.value > 0 }.map { ($0.key, $0.value) }.sorted {
      ($1.byteCount, $0.type) < ($0.byteCount, $1.type)
    }
  }

  /// One line for every tensor of the output: what it is, and what it is made of.
  public var steps: [String] {
    tensors.map { tensor in
      let stored = tensor.typeName
      let source: String
      switch tensor.origin {
      case .elements(let pieces, _):
        source = pieces.map { $0.text }.joined(separator: " + ")
      case .scale(let weight), .blockScales(let weight, _):
        source = "scale of \(tensors[weight].name)"
      case .bytes: source = "new"
      }
      return "\(tensor.name) \(stored) \(tensor.shape) = \(source)"
    }
  }
}

extension TensorPiece {
  /// The tensor, with its rows unless it is the whole.
  fileprivate var text: String {
    guard elements.count < tensor.elementCount else { return "\(tensor.name)" }
    let width = max(tensor.shape.dropFirst().elementCount, 1)
    return
      "\(tensor.name)[\(elements.lowerBound / width)..<\(elements.upperBound / width)]"
  }
}
