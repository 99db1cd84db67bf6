internal import Checkpoints
internal import Elements
public import Pictures
public import SystemPackage
internal import Tensors

/// The small network that tells layout, background, sizes, colours and shapes in pictures of the tiny
/// models' world.
///
/// **Source:** scripts/checker.py of the world, `Checker`.
public struct Checker: Sendable {
  private let convolutions: [PlainConvolution]
  private let hidden: PlainLinear
  private let heads: [PlainLinear]

  /// Pixels in a row or column that it looks at.
  private static let side = 48
  private static let layers: [(name: String, shape: [Int])] = [
    ("body.0", [24, 3, 5, 5]), ("body.2", [48, 24, 3, 3]), ("body.4", [64, 48, 3, 3]),
  ]

  /// Reads its weights, `checker.safetensors`.
  ///
  /// - Throws: when the file can't be read or its tensors are others.
  public init(reading file: FilePath) throws {
    let source = try TensorSource(openingAny: file)
    func floats(_ name: String, _ shape: [Int]) throws -> [Float] {
      let view = try source.tensor(named: name)
      guard view.shape == shape, view.dtype.isWidenable else {
        throw EvaluationError.wrongContent(
          file: file, expected: "floats \(shape) in tensor '\(name)'",
          found: "\(view.dtype.rawValue) \(view.shape)")
      }
      return view.floats()
    }
    convolutions = try Self.layers.map { name, shape in
      PlainConvolution(
        weight: try floats("\(name).weight", shape), bias: try floats("\(name).bias", [shape[0]]),
        inputs: shape[1], size: shape[2], stride: 2)
    }
    hidden = PlainLinear(
      weight: try floats("body.7.weight", [128, 2304]), bias: try floats("body.7.bias", [128]))
    heads = try (0..<AttributeKind.headCount).map { head in
      let classes = try source.tensor(named: "heads.\(head).bias").shape.first ?? 0
      return PlainLinear(
        weight: try floats("heads.\(head).weight", [classes, 128]),
        bias: try floats("heads.\(head).bias", [classes]))
    }
  }

  /// Whether it can look at pictures of this size: 48 or 96 pixels a side.
  public static func takes(width: Int, height: Int) -> Bool {
    width == height && (width == side || width == 2 * side)
  }

  /// What each head makes of a picture: a number for each of its classes.
  public func logits(of picture: Picture) -> [[Float]] {
    precondition(Self.takes(width: picture.width, height: picture.height), "a picture of the world")
    var planes = picture.normalized()
    if picture.width == 2 * Self.side { planes = Self.halved(planes) }
    var side = Self.side
    for convolution in convolutions {
      planes = convolution(planes, side: side)
      side /= 2
    }
    let features = hidden(planes).map { max(0, $0) }
    return heads.map { $0(features) }
  }

  /// The class that each head takes a picture for.
  public func classes(of picture: Picture) -> [Int] {
    logits(of: picture).map { logits in
      logits.indices.max { logits[$0] < logits[$1] } ?? 0
    }
  }

  /// The mean of every two by two pixels, `[3, 2 · side, 2 · side]` to `[3, side, side]`.
  private static func halved(_ planes: [Float]) -> [Float] {
    let from = 2 * side
    return (0..<3 * side * side).map { place in
      let (plane, rest) = place.quotientAndRemainder(dividingBy: side * side)
      let corner = (plane * from + rest / side * 2) * from + rest % side * 2
      return
        (planes[corner] + planes[corner + 1] + planes[corner + from]
        + planes[corner + from + 1]) / 4
    }
  }
}
