/// What becomes of the layers that an input stores as codes, where names and types stay.
public struct CodedLayers: Sendable, Equatable {
  /// Layers whose codes, factors and notes are those of the input, bit for bit.
  public private(set) var kept = 0
  /// Layers that are stored anew, by what they get: a form as `--encoding` calls it, `fp8` for scaled eight-bit
  /// floats, else a dtype such as `BF16`.
  public private(set) var written: [String: Int] = [:]

  /// No layers.
  public init() {}

  /// Whether there are none.
  public var isEmpty: Bool { kept == 0 && written.isEmpty }

  /// Counts a layer that keeps its codes.
  mutating func keep() { kept += 1 }

  /// Counts a layer that is stored anew.
  mutating func write(as form: String) { written[form, default: 0] += 1 }

  /// Those of two outputs.
  public static func + (left: CodedLayers, right: CodedLayers) -> CodedLayers {
    var sum = left
    sum.kept += right.kept
    sum.written.merge(right.written, uniquingKeysWith: +)
    return sum
  }
}
