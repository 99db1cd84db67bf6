import Compression
import Elements
import Files
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Damaged and hostile containers")
struct DamageTests {
  let folder: TemporaryFolder
  let base: FilePath
  let packed: FilePath
  let original: [UInt8]

  /// A delta of a few tensors: planes stored in every way, a difference, a chunk of the base.
  init() throws {
    folder = try TemporaryFolder()
    base = folder.path.appending("base.safetensors")
    packed = folder.path.appending("packed.safetensors")
    let plain = folder.path.appending("plain.safetensors")
    var changed = weightBytes(600, seed: 1)
    for place in stride(from: 0, to: 600, by: 8) { changed[place] &+= 1 }
    try writeSafetensors(
      [
        tensor("difference", .bf16, [300], weightBytes(600, seed: 1)),
        tensor("same", .u8, [100], weightBytes(100, seed: 2)),
      ], to: base, overwrite: false)
    try writeSafetensors(
      [
        tensor("difference", .bf16, [300], changed),
        tensor("same", .u8, [100], weightBytes(100, seed: 2)),
        tensor("zero", .f32, [40], [UInt8](repeating: 0, count: 160)),
        tensor("packed", .bf16, [400], weightBytes(800, seed: 3)),
        tensor("empty", .f16, [0], []),
      ], metadata: [("format", "pt")], to: plain, overwrite: false)
    try SafetensorsFile(opening: plain).compress(
      to: packed, base: (TensorSource(opening: base), "base"),
      overwrite: false)
    original = try contents(of: plain)
  }

  /// What comes of a container with these bytes; nil when it is refused.
  private func restored(_ bytes: [UInt8]) throws -> [UInt8]? {
    let file = try folder.write(bytes, to: "changed.safetensors")
    let output = folder.path.appending("out.safetensors")
    do {
      let source = try TensorSource(opening: file)
      let base = try TensorSource(opening: base)
      let restored = try source.decompressed(base: base)
      for tensor in restored.tensors { _ = try tensor.copy(0..<tensor.byteCount) }
      try source.restore(base: base, to: output, overwrite: true)
      return try contents(of: output)
    } catch is CompressionError {
      return nil
    } catch is SafetensorsError {
      return nil
    } catch FileError.damagedContent {
      return nil
    }
  }

  @Test func everyChangedByteIsRefusedOrHarmless() throws {
    let bytes = try contents(of: packed)
    #expect(try restored(bytes) == original)
    var refused = 0
    for place in bytes.indices {
      for change in [1, 0x80] as [UInt8] {
        var changed = bytes
        changed[place] ^= change
        guard let found = try restored(changed) else {
          refused += 1
          continue
        }
        #expect(found == original, "byte \(place), changed by \(change)")
      }
    }
    // Padding, the copy of the metadata and one name of the marker can change without harm.
    #expect(refused > bytes.count / 2)
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try contents(of: packed)
    for count in bytes.indices { #expect(try restored(Array(bytes[..<count])) == nil) }
    #expect(try restored(bytes + [0]) == nil)
  }

  @Test func aPlainFileIsNoContainer() throws {
    #expect(throws: CompressionError.notCompressed(file: base)) {
      try TensorSource(opening: base).decompressed()
    }
    #expect(try TensorSource(opening: base).isCompressed == false)
  }

  @Test func damageIsNamed() throws {
    var bytes = try contents(of: packed)
    bytes[bytes.count - 100] ^= 4
    let file = try folder.write(bytes, to: "changed.safetensors")
    let source = try TensorSource(opening: file).decompressed(
      base: TensorSource(opening: base))
    #expect(try source.tensor(named: "difference").copy(0..<600).count == 600)
    let error = #expect(throws: FileError.self) {
      try source.tensor(named: "packed").copy(0..<1)
    }
    guard case .damagedContent(file, let detail) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(detail.hasPrefix("tensor 'packed': chunk 0: "))
  }

  @Test func reservedNamesAndContainersAreNotCompressed() throws {
    let input = CompressionInput(
      tensors: [TensorDescription(name: "glance.header.x", dtype: .u8, shape: [1])], metadata: [])
    let out = folder.path.appending("out.safetensors")
    #expect(throws: CompressionError.reservedName(file: out, tensor: "glance.header.x")) {
      try input.write(to: out, overwrite: false) { _, _, _ in }
    }
    #expect(throws: CompressionError.alreadyCompressed(file: out)) {
      try SafetensorsFile(opening: packed).compress(to: out, overwrite: false)
    }
  }

  @Test func anotherHeaderIsRefused() throws {
    var input = CompressionInput(
      tensors: [TensorDescription(name: "a", dtype: .u8, shape: [1])], metadata: [])
    input.originalHeader = rawFile(
      #"{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, [])
    let out = folder.path.appending("out.safetensors")
    #expect(throws: CompressionError.otherHeader(file: out)) {
      try input.write(to: out, overwrite: false) { _, _, _ in }
    }
  }
}
