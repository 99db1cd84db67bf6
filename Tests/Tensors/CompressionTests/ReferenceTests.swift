import Compression
import Failures
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Containers that `tools/compressed_reference.py` wrote from `formats/compressed.md`, with every
/// coding, method and size of element.
@Suite("Containers of another implementation")
struct ReferenceTests {
  private let fixtures = Fixtures.folder.appending("compression")

  @Test(arguments: ["whole.safetensors", "delta.safetensors"])
  func restoreByteForByte(name: String) throws {
    let folder = try TemporaryFolder()
    let output = folder.path.appending("out.safetensors")
    try TensorSource(opening: fixtures.appending(name)).restore(
      base: TensorSource(opening: fixtures.appending("base.safetensors")), to: output,
      overwrite: false)
    #expect(
      try contents(of: output) == contents(of: fixtures.appending("tuned.safetensors")))
  }

  /// Their checksums are right; what is wrong is the name.
  @Test(
    arguments: [
      "coding-unknown", "coding-needs-base", "base-not-named", "method-unknown",
      "raw-plane-short", "zstd-as-large-as-plane", "zstd-empty", "zstd-garbage",
      "zstd-restores-less", "zstd-restores-more", "zstd-bomb", "constant-of-two",
      "same-with-bytes", "reserved-not-zero", "stream-short", "stream-long", "chunk-count",
      "chunk-size-zero", "chunk-size-over-limit", "chunk-size-odd", "tensor-size-2-to-the-63",
      "tensor-size-near-2-to-the-64", "tensor-size-other", "element-of-three",
      "element-of-other-dtype", "header-says-more", "header-says-less", "header-says-100-mb",
      "header-bomb", "header-over-limit", "header-not-json", "header-length-word",
      "header-of-other-tensor", "base-name-not-utf8", "base-name-too-long", "no-header",
      "two-headers", "tensor-too-many", "stream-of-other-dtype",
    ])
  func hostileOnesAreRefused(name: String) throws {
    let folder = try TemporaryFolder()
    let file = fixtures.appending("hostile").appending("\(name).safetensors")
    let error = #expect(throws: (any Error).self) {
      try TensorSource(opening: file).restore(
        to: folder.path.appending("out"), overwrite: false)
    }
    #expect(error.map { "\($0)".hasPrefix("\(file): ") } == true, "\(String(describing: error))")
    #expect(folder.entries == [])
  }

  @Test func theHostileOnesAreWrongInOneThingOnly() throws {
    let file = fixtures.appending("hostile").appending("right.safetensors")
    let restored = try TensorSource(opening: file).decompressed()
    #expect(
      try restored.tensor(named: "w").copy(0..<6) == [0, 0, 1, 0, 2, 0])
  }

  @Test func everyCodingOccurs() throws {
    let source = try TensorSource(opening: fixtures.appending("delta.safetensors"))
    let codings = try source.tensors.filter { $0.name != "glance.header" }.flatMap { view in
      let table = try PackedTable(parsing: view.bytes)
      return (0..<table.chunkCount).map { table.coding(of: $0) }
    }
    #expect(Set(codings) == [.planes, .rotatedPlanes, .difference, .sameAsBase])
  }
}
