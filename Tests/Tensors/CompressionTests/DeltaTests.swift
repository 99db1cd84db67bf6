import Compression
import Elements
import Files
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Deltas from a base")
struct DeltaTests {
  let folder: TemporaryFolder
  let base: FilePath
  let packed: FilePath

  init() throws {
    folder = try TemporaryFolder()
    base = folder.path.appending("base.safetensors")
    packed = folder.path.appending("packed.safetensors")
    try writeSafetensors(DeltaTests.tensors(), to: base, overwrite: false)
  }

  private static func tensors() -> [TensorView] {
    [
      tensor("wide", .bf16, [300, 200], weightBytes(120_000, seed: 1)),
      tensor("same", .f32, [1000], weightBytes(4000, seed: 2)),
      tensor("old", .f16, [50], weightBytes(100, seed: 3)),
      tensor("reshaped", .u8, [10, 10], weightBytes(100, seed: 4)),
    ]
  }

  /// Every element of `wide` a little changed, as training does; other tensors added and dropped.
  private static func tuned() -> [TensorView] {
    var bytes = weightBytes(120_000, seed: 1)
    var random = SplitMix(state: 9)
    for place in stride(from: 0, to: bytes.count, by: 2) {
      let pattern = UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
      let changed = pattern &+ UInt16(truncatingIfNeeded: Int.random(in: -2...2, using: &random))
      (bytes[place], bytes[place + 1]) = (UInt8(changed & 255), UInt8(changed >> 8))
    }
    return [
      tensor("wide", .bf16, [300, 200], bytes), tensors()[1],
      tensor("reshaped", .u8, [100], weightBytes(100, seed: 4)),
      tensor("new", .i64, [3], weightBytes(24, seed: 5)),
    ]
  }

  private func writeDelta(
    _ tensors: [TensorView], from base: FilePath
  ) throws -> CompressionSummary {
    let plain = folder.path.appending("plain.safetensors")
    try writeSafetensors(tensors, metadata: [("k", "v")], to: plain, overwrite: true)
    return try SafetensorsFile(opening: plain).compress(
      to: packed,
      base: (try TensorSource(opening: base), "base.safetensors"), overwrite: true)
  }

  @Test func restoresTheTunedFile() throws {
    let summary = try writeDelta(DeltaTests.tuned(), from: base)
    #expect(summary.sameByteCount == 4000 && summary.differenceByteCount == 120_000)
    // Five equally frequent differences: log2(5) = 2.33 of 16 bits.
    let source = try TensorSource(opening: packed)
    #expect(try source.tensor(named: "wide").byteCount < 120_000 * 17 / 100)
    #expect(try source.tensor(named: "same").byteCount < 100)
    #expect(try source.baseName() == "base.safetensors")
    let output = folder.path.appending("out.safetensors")
    try source.restore(
      base: TensorSource(opening: base), to: output, overwrite: false)
    #expect(
      try contents(of: output) == contents(of: folder.path.appending("plain.safetensors")))
    let restored = try source.decompressed(base: TensorSource(opening: base))
    #expect(restored.container == .delta)
    #expect(
      try restored.tensor(named: "wide").copy(33..<5000)
        == DeltaTests.tuned()[0].copy(33..<5000))
  }

  @Test(arguments: DType.allCases)
  func isExactForEveryDType(dtype: DType) throws {
    let byteCount = try #require(dtype.byteCount(shape: [24, 100]))
    var bytes = weightBytes(byteCount, seed: 6)
    let other = folder.path.appending("other.safetensors")
    try writeSafetensors([tensor("w", dtype, [24, 100], bytes)], to: other, overwrite: false)
    // Wraps in both directions, and changes signs.
    for place in stride(from: 0, to: byteCount, by: 7) { bytes[place] &+= 129 }
    _ = try writeDelta([tensor("w", dtype, [24, 100], bytes)], from: other)
    let restored = try TensorSource(opening: packed).decompressed(
      base: TensorSource(opening: other))
    #expect(try restored.tensors[0].copy(0..<byteCount) == bytes)
  }

  @Test func theBaseItselfTakesNothing() throws {
    let summary = try writeDelta(DeltaTests.tensors(), from: base)
    #expect(summary.sameByteCount == 124_200 && summary.byteCount < 3000)
  }

  @Test func aBaseMayBeADeltaItself() throws {
    _ = try writeDelta(DeltaTests.tuned(), from: base)
    let middle = try TensorSource(opening: packed).decompressed(
      base: TensorSource(opening: base))
    let second = folder.path.appending("second.safetensors")
    let source = try TensorSource(opening: base)
    try source.compress(to: second, base: (middle, "packed"), overwrite: false)
    let restored = try TensorSource(opening: second).decompressed(base: middle)
    for view in source.tensors {
      let found = try restored.tensor(named: view.name)
      #expect(try found.copy(0..<view.byteCount) == view.copy(0..<view.byteCount))
    }
  }

  @Test func anUnrelatedBaseIsNoUse() throws {
    let other = folder.path.appending("other.safetensors")
    var random = SplitMix(state: 7)
    let noise = (0..<120_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    try writeSafetensors([tensor("wide", .bf16, [300, 200], noise)], to: other, overwrite: false)
    let summary = try writeDelta([DeltaTests.tensors()[0]], from: other)
    #expect(summary.differenceByteCount == 0 && summary.byteCount < 90_000)
  }

  @Test func withoutItsBaseItIsRefused() throws {
    _ = try writeDelta(DeltaTests.tuned(), from: base)
    #expect(throws: CompressionError.baseNeeded(file: packed, base: "base.safetensors")) {
      try TensorSource(opening: packed).decompressed()
    }
  }

  @Test func otherShapesOrNamesAreRefused() throws {
    _ = try writeDelta(DeltaTests.tuned(), from: base)
    let other = folder.path.appending("other.safetensors")
    try writeSafetensors(
      [tensor("wide", .bf16, [200, 300], weightBytes(120_000, seed: 1))], to: other,
      overwrite: false)
    #expect(
      throws: CompressionError.wrongBase(
        file: packed, base: other, expected: "tensor 'wide' BF16 [300, 200]",
        found: "tensor 'wide' BF16 [200, 300]")
    ) {
      try TensorSource(opening: packed).decompressed(
        base: TensorSource(opening: other))
    }
  }

  @Test func otherNumbersAreRefusedAtOnce() throws {
    _ = try writeDelta(DeltaTests.tuned(), from: base)
    let other = folder.path.appending("other.safetensors")
    var tensors = DeltaTests.tensors()
    tensors[0] = tensor("wide", .bf16, [300, 200], weightBytes(120_000, seed: 77))
    try writeSafetensors(tensors, to: other, overwrite: false)
    let error = #expect(throws: CompressionError.self) {
      try TensorSource(opening: packed).decompressed(
        base: TensorSource(opening: other))
    }
    guard case .wrongBase(packed, other, let expected, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(expected.contains("tensor 'wide' with checksum"))
  }

  @Test func otherNumbersFurtherOnAreFoundWhenTheyAreRead() throws {
    var input = CompressionInput(tensors: [DeltaTests.tensors()[0].description], metadata: [])
    input.base = try TensorSource(opening: base)
    input.baseName = "base"
    input.chunkByteCount = 1024
    let tuned = DeltaTests.tuned()[0]
    try input.write(to: packed, overwrite: false) { _, range, output in
      for (place, byte) in try tuned.copy(range).enumerated() {
        output.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
      }
    }
    var bytes = weightBytes(120_000, seed: 1)
    bytes[50_000] ^= 1
    let other = folder.path.appending("other.safetensors")
    try writeSafetensors(
      [tensor("wide", .bf16, [300, 200], bytes)], to: other, overwrite: false)
    let view = try TensorSource(opening: packed).decompressed(
      base: TensorSource(opening: other)
    ).tensors[0]
    #expect(try view.copy(0..<40_000) == tuned.copy(0..<40_000))
    let error = #expect(throws: FileError.self) { try view.copy(40_000..<60_000) }
    #expect(error?.description.contains("tensor 'wide': chunk 48: the base's bytes") == true)
    expectRefusal(
      FileError.self, saying: "tensor 'wide': chunk 48: the base's bytes have checksum"
    ) {
      try TensorSource(opening: packed).restore(
        base: TensorSource(opening: other),
        to: folder.path.appending("out.safetensors"), overwrite: false)
    }
    #expect(!folder.entries.contains { $0.hasPrefix("out") || $0.hasPrefix(".out") })
  }
}
