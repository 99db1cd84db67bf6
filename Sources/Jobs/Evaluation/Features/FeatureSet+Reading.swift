internal import Checkpoints
internal import Elements
public import SystemPackage
internal import Tensors

extension FeatureSet {
  /// Reads `[pictures, numbers]` from an array of NumPy's (`.npy`), or from a tensor of a safetensors
  /// file.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - tensor: the tensor's name in a safetensors file; nil: the only one.
  /// - Throws: when the file can't be read, or holds something else.
  public init(reading file: FilePath, tensor: String? = nil) throws {
    let (shape, values) =
      file.extension == "npy"
      ? try Self.array(NumPyArray(reading: file)) : try Self.tensor(tensor, in: file)
    guard shape.count == 2, shape[1] > 0 else {
      throw EvaluationError.wrongContent(
        file: file, expected: "features [pictures, numbers]", found: "shape \(shape)")
    }
    guard values.allSatisfy(\.isFinite) else {
      throw EvaluationError.wrongContent(
        file: file, expected: "finite numbers", found: "NaN or infinity")
    }
    guard shape[0] > 1 else { throw EvaluationError.tooFew(file: file, count: shape[0]) }
    self.init(count: shape[0], dimension: shape[1], values: values)
  }

  private static func array(_ array: NumPyArray) -> ([Int], [Double]) {
    (array.shape, array.values)
  }

  private static func tensor(_ name: String?, in file: FilePath) throws -> ([Int], [Double]) {
    let source = try TensorSource(openingAny: file)
    guard name != nil || source.tensors.count == 1 else {
      throw EvaluationError.wrongContent(
        file: file, expected: "one tensor, or the name of one",
        found: source.tensors.isEmpty
          ? "none" : source.tensors.prefix(5).map(\.name).joined(separator: ", "))
    }
    let view = try name.map { try source.tensor(named: $0) } ?? source.tensors[0]
    return (view.shape, try doubles(view, file))
  }

  /// The elements, those of F64 unrounded.
  private static func doubles(_ view: TensorView, _ file: FilePath) throws -> [Double] {
    if view.dtype == .f64 {
      let bytes = view.bytes
      return (0..<view.elementCount).map {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 8 * $0, as: Double.self)
      }
    }
    guard view.dtype.isWidenable else {
      throw EvaluationError.wrongContent(
        file: file, expected: "floats in tensor '\(view.name)'", found: view.dtype.rawValue)
    }
    return view.floats().map(Double.init)
  }
}
