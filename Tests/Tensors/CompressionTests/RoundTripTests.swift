import Compression
import Concurrency
import Elements
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Restoring a compressed file")
struct RoundTripTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Compresses and restores a file; the container, for a look at it.
  @discardableResult
  private func check(_ original: [UInt8]) throws -> TensorSource {
    let input = try folder.write(original, to: "in.safetensors")
    let packed = folder.path.appending("packed.safetensors")
    let output = folder.path.appending("out.safetensors")
    let file = try SafetensorsFile(opening: input)
    let summary = try file.compress(to: packed, overwrite: true)
    let source = try TensorSource(opening: packed)
    #expect(source.isCompressed && source.metadata["glance.compressed"] != nil)
    #expect(summary.byteCount == (try contents(of: packed)).count)
    #expect(summary.originalByteCount == original.count)
    try source.restore(to: output, overwrite: true)
    #expect(try contents(of: output) == original)
    let restored = try source.decompressed()
    #expect(restored.container == .compressed)
    #expect(restored.tensors.map(\.description) == file.tensors.map(\.description))
    #expect(restored.metadata.map { "\($0)" } == file.metadata.map { "\($0)" })
    return source
  }

  @Test(arguments: DType.allCases)
  func isByteIdenticalForEveryDType(dtype: DType) throws {
    let shape = [24, 1000]
    let byteCount = try #require(dtype.byteCount(shape: shape))
    try writeSafetensors(
      [tensor("w", dtype, shape, weightBytes(byteCount, seed: 1))], metadata: [("format", "pt")],
      to: folder.path.appending("w.safetensors"), overwrite: false)
    try check(try contents(of: folder.path.appending("w.safetensors")))
  }

  @Test(
    arguments: [
      rawFile("{}", []),
      rawFile(#" {"__metadata__":null}      "#, []),
      rawFile(
        "{\"b\":{\"shape\":[2],\"data_offsets\":[4,8],\"dtype\":\"BF16\"},\n\t\"__metadata__\":"
          + "{\"z\":\"1\",\"a\":\"\\u00e9\"},\"a\":{\"dtype\":\"F32\",\"x\":[1,{}],\"shape\":[],"
          + "\"data_offsets\":[0,4]} }  \r\n  ", [1, 2, 3, 4, 5, 6, 7, 8]),
      rawFile(
        #"{"none":{"dtype":"F64","shape":[0,5],"data_offsets":[0,0]},"one":{"dtype":"U8","shape":"#
          + #"[1,1,1],"data_offsets":[0,1]},"é":{"dtype":"I64","shape":[],"data_offsets":[1,9]},"#
          + #""e\#u{301}":{"dtype":"BOOL","shape":[3],"data_offsets":[9,12]}}"#,
        [255, 0, 0, 0, 0, 0, 0, 0, 128, 1, 0, 1]),
    ])
  func isByteIdenticalForOddHeaders(original: [UInt8]) throws {
    try check(original)
  }

  @Test func storesWeightsInAboutTwoThirds() throws {
    let bytes = weightBytes(4 << 20, seed: 2)
    try writeSafetensors(
      [tensor("w", .bf16, [2048, 1024], bytes)], to: folder.path.appending("w.safetensors"),
      overwrite: false)
    let source = try check(try contents(of: folder.path.appending("w.safetensors")))
    // The entropy of a normal bfloat16's exponent is about 2.6 of its 8 bits: (2.6 + 8) / 16.
    #expect(source.byteCount < bytes.count * 68 / 100)
  }

  @Test func storesConstantAndIncompressibleBytes() throws {
    var random = SplitMix(state: 3)
    let noise = (0..<300_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    try writeSafetensors(
      [
        tensor("zero", .f32, [500_000], [UInt8](repeating: 0, count: 2_000_000)),
        tensor("noise", .f16, [150_000], noise),
      ], to: folder.path.appending("w.safetensors"), overwrite: false)
    let source = try check(try contents(of: folder.path.appending("w.safetensors")))
    #expect(try source.tensor(named: "zero").byteCount < 100)
    #expect(try source.tensor(named: "noise").byteCount < noise.count + 100)
  }

  @Test func anyPartIsThatOfTheWhole() throws {
    let bytes = weightBytes(70_000, seed: 4)
    var input = CompressionInput(
      tensors: [TensorDescription(name: "w", dtype: .f32, shape: [17_500])], metadata: [])
    input.chunkByteCount = 4096
    let packed = folder.path.appending("packed.safetensors")
    try input.write(to: packed, overwrite: false) { _, range, output in
      for (place, byte) in range.enumerated() {
        output.storeBytes(of: bytes[byte], toByteOffset: place, as: UInt8.self)
      }
    }
    let view = try TensorSource(opening: packed).decompressed().tensor(named: "w")
    var random = SplitMix(state: 5)
    for _ in 0..<300 {
      let start = Int.random(in: 0...70_000, using: &random)
      let end = min(70_000, start + Int.random(in: 0...10_000, using: &random))
      #expect(try view.copy(start..<end) == Array(bytes[start..<end]))
    }
    #expect(try view.rows(3..<5).copy(0..<8) == Array(bytes[12..<20]))
  }

  @Test func bytesDoNotDependOnThreads() throws {
    let views = (0..<5).map {
      tensor("w\($0)", .bf16, [700, 600], weightBytes(840_000, seed: UInt64($0)))
    }
    let source = try TensorSource(
      path: "memory", container: .safetensors, files: [], tensors: views, metadata: [])
    let results = try atWidths([1, 2, 5]) {
      let packed = folder.path.appending("\(Parallel.threadCount).safetensors")
      try source.compress(to: packed, overwrite: false)
      return try contents(of: packed)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test func anySourceRestoresAsItWouldBeWritten() throws {
    let views = [
      tensor("b", .bf16, [3, 2], weightBytes(12, seed: 1)), tensor("a", .f32, [], [1, 2, 3, 4]),
    ]
    let source = try TensorSource(
      path: "memory", container: .safetensors, files: [], tensors: views, metadata: [("k", "v")])
    let packed = folder.path.appending("packed.safetensors")
    let output = folder.path.appending("out.safetensors")
    let expected = folder.path.appending("expected.safetensors")
    try source.compress(to: packed, overwrite: false)
    try TensorSource(opening: packed).restore(to: output, overwrite: false)
    try writeSafetensors(views, metadata: [("k", "v")], to: expected, overwrite: false)
    #expect(try contents(of: output) == contents(of: expected))
  }

  @Test func shardsAreOpenedTogether() throws {
    for (index, name) in ["a", "b"].enumerated() {
      let plain = folder.path.appending("plain.safetensors")
      try writeSafetensors(
        [tensor(name, .u8, [3], [1, 2, UInt8(index)])], metadata: [("format", "pt")], to: plain,
        overwrite: true)
      try SafetensorsFile(opening: plain).compress(
        to: folder.path.appending("model-0000\(index + 1)-of-00002.safetensors"),
        shard: "0000\(index + 1)", overwrite: false)
    }
    let index =
      #"{"weight_map":{"a":"model-00001-of-00002.safetensors","#
      + #""glance.header.00001":"model-00001-of-00002.safetensors","#
      + #""b":"model-00002-of-00002.safetensors","#
      + #""glance.header.00002":"model-00002-of-00002.safetensors"}}"#
    let path = try folder.write(Array(index.utf8), to: "model.safetensors.index.json")
    let restored = try TensorSource(opening: path).decompressed()
    #expect(restored.tensors.map(\.name) == ["a", "b"])
    #expect(try restored.tensor(named: "b").copy(0..<3) == [1, 2, 1])
    #expect(restored.metadata.map(\.key) == ["format"])
  }

  @Test func whatIsThrownWhileWritingLeavesNothing() throws {
    struct Stop: Error {}
    let input = CompressionInput(
      tensors: [TensorDescription(name: "w", dtype: .u8, shape: [100])], metadata: [])
    let packed = folder.path.appending("packed.safetensors")
    #expect(throws: Stop.self) {
      try input.write(to: packed, overwrite: false) { _, _, _ in throw Stop() }
    }
    #expect(throws: Stop.self) {
      try input.write(
        to: packed, overwrite: false, progress: { _ in throw Stop() },
        produce: { _, _, _ in })
    }
    #expect(folder.entries == [])
  }
}
