import Elements
import Files
import GGUF
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Opening a GGUF file")
struct GGUFFileTests {
  static let folder = Fixtures.folder.appending("gguf")
  static let library = folder.appending("library.gguf")

  @Test func everyKindOfValue() throws {
    let file = try GGUFFile(opening: GGUFFileTests.library)
    #expect(file.version == 3 && file.alignment == 32 && file.architecture == "flux")
    #expect(file.value(of: "kinds.uint8") == .uint8(200))
    #expect(file.value(of: "kinds.int8") == .int8(-100))
    #expect(file.value(of: "kinds.uint16") == .uint16(60000))
    #expect(file.value(of: "kinds.int16") == .int16(-30000))
    #expect(file.value(of: "kinds.uint32") == .uint32(4_000_000_000))
    #expect(file.value(of: "kinds.int32") == .int32(-2_000_000_000))
    #expect(file.value(of: "kinds.float32") == .float32(0.5))
    #expect(file.value(of: "kinds.uint64") == .uint64(.max))
    #expect(file.value(of: "kinds.int64") == .int64(.min))
    #expect(file.value(of: "kinds.float64") == .float64(0.1))
    #expect(file.value(of: "kinds.bool") == .bool(true))
    #expect(file.value(of: "kinds.string") == .string("Füße ☃"))
    #expect(
      file.value(of: "kinds.texts")
        == .array(GGUFArray(kind: .string, [.string("a"), .string(""), .string("ß")])))
    #expect(file.value(of: "no.such.key") == nil)
  }

  @Test func longArraysAreCut() throws {
    let file = try GGUFFile(opening: GGUFFileTests.library)
    guard case .array(let array) = file.value(of: "kinds.long") else {
      Issue.record("expected an array")
      return
    }
    #expect(array.count == 1500 && array.elements.count == GGUFArray.keptLimit)
    #expect(!array.isComplete && array.elements[1023] == .int32(1023))
    let text = try #require(file.metadata.first { $0.key == "kinds.long" }).value
    #expect(text.hasPrefix("[0, 1, 2,") && text.hasSuffix("15, … 1484 more]"))
  }

  @Test func tensorsAreAsTheLibraryReadsThem() throws {
    let expected = try SafetensorsFile(
      opening: GGUFFileTests.folder.appending("library.safetensors"))
    let source = try openGGUF(GGUFFileTests.library)
    #expect(source.container == .gguf && source.files == [GGUFFileTests.library])
    #expect(source.problems.isEmpty && source.tensors.count == expected.tensors.count)
    for tensor in source.tensors {
      let wanted = try expected.tensor(named: tensor.name)
      #expect(tensor.shape == wanted.shape, "\(tensor.name)")
      #expect(tensor.floats() == wanted.floats(), "\(tensor.name)")
    }
    #expect(try source.tensor(named: "bf16").isMapped)
    #expect(try source.tensor(named: "bf16").dtype == .bf16)
    #expect(try source.tensor(named: "q8_0.weight").dtype == .f32)
    #expect(try source.tensor(named: "reshaped.weight").shape == [4, 8, 4, 4])
  }

  @Test func partsOfBlocks() throws {
    let tensor = try openGGUF(GGUFFileTests.library).tensor(named: "q4_1.weight")
    let whole = unsafe tensor.floats().withUnsafeBytes { unsafe Array($0) }
    for range in [
      0..<0, 0..<1, 3..<130, 126..<129, 127..<515, 128..<256, 5..<767, 0..<768, 700..<768,
    ] {
      let part = try tensor.withBytes(range) { span in
        unsafe span.withUnsafeBytes { unsafe Array($0) }
      }
      #expect(part == Array(whole[range]), "\(range)")
    }
  }

  /// A file with one tensor of zeros.
  private func write(
    _ type: GGUFType, shape: [Int], metadata: [(key: String, value: GGUFValue)] = [],
    in folder: TemporaryFolder
  ) throws -> FilePath {
    let path = folder.path.appending("a.gguf")
    let tensor = GGUFEntry(name: "w", type: type, shape: shape)
    let writer = try GGUFWriter(
      creating: path, metadata: metadata, tensors: [tensor], overwrite: true)
    let zeros = [UInt8](repeating: 0, count: try #require(tensor.byteCount))
    unsafe try writer.write(zeros.span.bytes, tensor: 0)
    try writer.commit()
    return path
  }

  @Test(arguments: GGUFType.allCases)
  func everyTypeIsListed(type: GGUFType) throws {
    let folder = try TemporaryFolder()
    let path = try write(type, shape: [2, 256], in: folder)
    #expect(try GGUFFile(opening: path).tensors.map(\.type) == [type])
    if case .blocks(let type) = type.encoding, !type.isDecodable {
      #expect(throws: GGUFError.cannotDecode(file: path, tensor: "w", type: type)) {
        try openGGUF(path)
      }
    } else {
      let tensor = try openGGUF(path).tensor(named: "w")
      #expect(tensor.shape == [2, 256] && tensor.dtype == type.dtype ?? .f32)
      #expect(tensor.encoding == type.encoding)
    }
  }

  @Test(
    "original shapes must have as many elements",
    arguments: [
      ([.int32(16), .int32(8), .int32(2), .int32(2)], true), ([.int32(512)], true),
      ([.int32(511)], false), ([.int32(-1), .int32(-512)], false), ([], false),
      ([.int32(.max), .int32(.max), .int32(.max)], false), ([.int32(0)], false),
    ] as [([GGUFValue], Bool)])
  func originalShapes(sizes: [GGUFValue], isRight: Bool) throws {
    let folder = try TemporaryFolder()
    let path = try write(
      .q4K, shape: [2, 256],
      metadata: [
        ("comfy.gguf.orig_shape.w", .array(GGUFArray(kind: .int32, sizes))),
        ("comfy.gguf.orig_shape.of another", .bool(true)),
      ], in: folder)
    if isRight {
      #expect(try openGGUF(path).tensors[0].shape == sizes.compactMap(\.integer))
    } else {
      #expect {
        try openGGUF(path)
      } throws: {
        "\($0)".hasPrefix("\(path): key 'comfy.gguf.orig_shape.w': [")
      }
    }
  }

  @Test func trailingBytesAreTold() throws {
    let folder = try TemporaryFolder()
    let bytes = try contents(of: GGUFFileTests.library) + [1, 2, 3]
    let source = try openGGUF(folder.write(bytes, to: "a.gguf"))
    #expect(source.problems == ["3 bytes follow the last tensor"])
  }

  @Test func otherFilesAreRefusedByName() throws {
    let folder = try TemporaryFolder()
    let missing = folder.path.appending("missing.gguf")
    #expect(throws: FileError.cannotOpen(file: missing, reason: .noSuchFileOrDirectory)) {
      try openGGUF(missing)
    }
    let other = try folder.write(Array("{\"a\":1, \"and more\": 2}".utf8), to: "a.json")
    #expect {
      try openGGUF(other)
    } throws: {
      "\($0)" == "\(other): begins with 7b 22 61 22, expected 'GGUF'; is this a GGUF file?"
    }
  }
}
