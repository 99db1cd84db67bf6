import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Files of zstd frames, sound and broken, one of which stands for a gigabyte: none is read, so none
/// is decompressed.
@Suite("Files compressed with zstd")
struct ZstdFileTests {
  static let folder = Fixtures.folder.appending("hostile/zstd")

  @Test(
    "are refused by name",
    arguments: [
      "bomb_1GB", "content_size_u64max", "flip_middle", "inner_not_st", "magic_only",
      "ok_no_content_size", "ok_skippable_front", "skippable_only", "truncated",
    ])
  func refusal(name: String) {
    let file = Self.folder.appending(name + ".safetensors.zst")
    #expect(throws: SafetensorsError.notSafetensors(file: file, format: .zstd)) {
      _ = try TensorSource(opening: file)
    }
  }
}
