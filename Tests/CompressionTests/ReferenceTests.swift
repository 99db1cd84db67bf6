import Compression
import Safetensors
import SystemPackage
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
    try Compression.restore(
      TensorSource(opening: fixtures.appending(name)),
      base: TensorSource(opening: fixtures.appending("base.safetensors")), to: output,
      overwrite: false)
    #expect(
      try contents(of: output) == contents(of: fixtures.appending("tuned.safetensors")))
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
