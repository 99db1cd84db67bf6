import Elements
import Files
import JSON
import Rewriting
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Plans and carries out a conversion.
@discardableResult
func convert(
  _ input: FilePath, to output: FilePath, _ settings: (inout RewritingRequest) -> Void = { _ in }
) throws -> RewritingResult {
  var request = RewritingRequest(input: input, output: output)
  settings(&request)
  return try RewritingPlan(request).write { _ in }
}

/// All bytes of a tensor.
func bytes(of tensor: TensorView) -> [UInt8] {
  unsafe tensor.bytes.withUnsafeBytes { unsafe Array($0) }
}

/// Tensors by name, bytes and all, for comparing two checkpoints whatever their order.
func contents(of source: TensorSource) -> [String: StoredTensor] {
  Dictionary(
    source.tensors.map {
      ($0.name, StoredTensor(dtype: $0.dtype.rawValue, shape: $0.shape, bytes: bytes(of: $0)))
    }, uniquingKeysWith: { first, _ in first })
}

/// What a checkpoint holds under a name.
struct StoredTensor: Equatable {
  let dtype: String
  let shape: [Int]
  let bytes: [UInt8]
}

/// Says which tensors differ, in dtype, shape or any byte.
func expectSameTensors(
  _ found: TensorSource, _ expected: TensorSource, _ location: SourceLocation = #_sourceLocation
) {
  let (found, expected) = (contents(of: found), contents(of: expected))
  #expect(Set(found.keys) == Set(expected.keys), sourceLocation: location)
  for (name, tensor) in expected where found[name] != nil {
    #expect(found[name] == tensor, "\(name)", sourceLocation: location)
  }
}

/// The recordings of other programs' conversions in `Tests/Fixtures/convert/checkpoints`.
enum Recorded {
  static let folder = Fixtures.folder.appending("convert").appending("checkpoints")

  /// What another program made of a case's input.
  static func expectation(_ name: String) throws -> JSONValue {
    let document = try JSONValue(parsing: Fixtures.text(folder.appending("expected.json")))
    return try #require(document[name])
  }

  /// Says which tensors are not, bit for bit, those of the recording.
  static func expect(
    _ found: [(name: String, type: String, shape: [Int], bytes: [UInt8])], are name: String,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try #require(try expectation(name)["tensors"])
    try expect(found, are: expected, location)
  }

  /// The same for tensors that are listed with dtype, shape and SHA-256.
  static func expect(
    _ found: [(name: String, type: String, shape: [Int], bytes: [UInt8])], are list: JSONValue,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try #require(list.object)
    #expect(Set(found.map(\.name)) == Set(expected.members.map(\.key)), sourceLocation: location)
    #expect(found.count == expected.members.count, sourceLocation: location)
    for tensor in found {
      let entry = expected.members.first { $0.key == tensor.name }?.value.array ?? []
      guard entry.count == 3 else { continue }
      #expect(entry[0].string == tensor.type, "\(tensor.name)", sourceLocation: location)
      #expect(
        entry[1].array?.compactMap(\.integer) == tensor.shape, "\(tensor.name)",
        sourceLocation: location)
      let digest = unsafe SHA256.hexadecimal(of: tensor.bytes.span.bytes)
      #expect(entry[2].string == digest, "\(tensor.name)", sourceLocation: location)
    }
  }

  /// The same for a checkpoint.
  static func expect(
    _ found: TensorSource, are name: String, _ location: SourceLocation = #_sourceLocation
  ) throws {
    try expect(found.recorded, are: name, location)
  }
}

extension TensorSource {
  /// Every tensor as recordings have them.
  var recorded: [(name: String, type: String, shape: [Int], bytes: [UInt8])] {
    tensors.map { ($0.name, $0.dtype.rawValue, $0.shape, bytes(of: $0)) }
  }
}
