import Evaluation
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Reading features")
struct FeatureSetReadingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// What `numpy.save` writes: [[1, -2.5], [0.125, 3]] in float32.
  private static func array(
    type: String = "<f4", order: String = "False", shape: String = "(2, 2)",
    elements: [UInt8] = [0, 0, 128, 63, 0, 0, 32, 192, 0, 0, 0, 62, 0, 0, 64, 64]
  ) -> [UInt8] {
    let header = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }"
    let padded = header + String(repeating: " ", count: 117 - header.utf8.count) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(padded.utf8) + elements
  }

  @Test("takes NumPy's arrays of float32")
  func numpy() throws {
    let file = try folder.write(Self.array(), to: "a.npy")
    let set = try FeatureSet(reading: file)
    #expect(set == FeatureSet(rows: [[1, -2.5], [0.125, 3]]))
  }

  @Test("takes NumPy's arrays of float64 without rounding")
  func numpyDouble() throws {
    let third = withUnsafeBytes(of: (1.0 / 3).bitPattern.littleEndian) { unsafe Array($0) }
    let file = try folder.write(
      Self.array(type: "<f8", shape: "(2, 1)", elements: third + third), to: "a.npy")
    #expect(try FeatureSet(reading: file) == FeatureSet(rows: [[1.0 / 3], [1.0 / 3]]))
  }

  @Test(
    "says what is wrong with an array",
    arguments: [
      (array(type: "<i4"), "expected little-endian floats ('<f4' or '<f8'), found '<i4'"),
      (
        array(order: "True"),
        "expected rows one after another, found fortran_order; save numpy.ascontiguousarray(a)"
      ),
      (array(shape: "(4,)"), "expected features [pictures, numbers], found shape [4]"),
      (array(shape: "(2, 3)"), "expected 24 bytes of elements for shape [2, 3], found 16"),
      (array(shape: "(1, 4)"), "expected features of at least 2 pictures, found 1"),
      (
        array(elements: [0, 0, 128, 127, 0, 0, 32, 192, 0, 0, 0, 62, 0, 0, 64, 64]),
        "expected finite numbers, found NaN or infinity"
      ),
      (
        Array("no array, but a text".utf8),
        "expected an array as NumPy saves it, found other bytes at the beginning"
      ),
    ] as [([UInt8], String)])
  func refused(bytes: [UInt8], message: String) throws {
    let file = try folder.write(bytes, to: "a.npy")
    expectRefusal(EvaluationError.self, saying: "\(file): \(message)") {
      try FeatureSet(reading: file)
    }
  }

  @Test("takes the tensor that is named, or the only one")
  func safetensors() throws {
    let file = folder.path.appending("a.safetensors")
    let tensors = [
      TensorView(name: "a", shape: [2, 2], [1, 2, 3, 4]),
      TensorView(name: "b", shape: [3, 1], [5, 6, 7]),
    ]
    try writeSafetensors(tensors, to: file, overwrite: false)
    #expect(try FeatureSet(reading: file, tensor: "b") == FeatureSet(rows: [[5], [6], [7]]))
    expectRefusal(
      EvaluationError.self, saying: "\(file): expected one tensor, or the name of one, found a, b"
    ) { try FeatureSet(reading: file) }
    try writeSafetensors([tensors[0]], to: file, overwrite: true)
    #expect(try FeatureSet(reading: file) == FeatureSet(rows: [[1, 2], [3, 4]]))
  }
}
