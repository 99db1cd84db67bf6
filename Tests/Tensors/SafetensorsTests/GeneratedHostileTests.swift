import Files
import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Cases too large for the repository, or that are no files at all.
@Suite("Files that are made to be hostile")
struct GeneratedHostileTests {
  let folder: TemporaryFolder
  let file: FilePath

  init() throws {
    folder = try TemporaryFolder()
    file = folder.path.appending("x.safetensors")
  }

  @Test func thousandsOfTensorsOverTheSameBytes() throws {
    let entries = (0..<20_000).map {
      "\"k\($0)\":{\"dtype\":\"F32\",\"shape\":[200,200],\"data_offsets\":[0,160000]}"
    }
    let header = "{" + entries.joined(separator: ",") + "}"
    try folder.write(fileBytes(header: header, dataCount: 160_000), to: "x.safetensors")
    #expect(
      throws: SafetensorsError.malformedHeader(
        file: file, fault: .overlap(tensor: "k1", begin: 0, expected: 160_000))
    ) { _ = try SafetensorsFile(opening: file) }
  }

  @Test func millionsOfBrackets() throws {
    let header =
      Array("{\"w\":{\"x\":".utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 3_000_000)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try folder.write(length + header, to: "x.safetensors")
    let error = #expect(throws: SafetensorsError.self) { _ = try SafetensorsFile(opening: file) }
    guard case .malformedHeader(_, .json(let reason)) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.fault == .tooDeep(limit: 125))
  }

  @Test func terabyteThatClaimsATerabyteOfHeader() throws {
    try folder.write([0, 0, 0, 0, 0, 1, 0, 0], to: "x.safetensors")
    try FileDescriptor.open(file, .writeOnly).resize(to: 1 << 40 + 8)
    #expect(
      throws: SafetensorsError.headerTooLarge(file: file, declared: 1 << 40, limit: 100_000_000)
    ) { _ = try SafetensorsFile(opening: file) }
  }

  @Test func nameThatIsTooLong() {
    let path = folder.path.appending(String(repeating: "n", count: 300) + ".safetensors")
    #expect(throws: FileError.cannotOpen(file: path, reason: .fileNameTooLong)) {
      _ = try SafetensorsFile(opening: path)
    }
  }

  @Test func nameThatIsNotUTF8() throws {
    let header = "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}"
    try folder.write(fileBytes(header: header, dataCount: 1), to: "x.safetensors")
    let name: [CInterop.PlatformChar] = [0x63, -0x17, 0x2E, 0x73, 0]
    let other = unsafe name.withUnsafeBufferPointer {
      unsafe FilePath(platformString: $0.baseAddress!)
    }
    let path = folder.path.pushing(other)
    #expect(
      unsafe file.withPlatformString { from in
        unsafe path.withPlatformString { unsafe rename(from, $0) }
      } == 0)
    #expect(try TensorSource(opening: path).tensors.count == 1)
    #expect(try TensorSource(opening: path).path == path)
  }

  @Test func veryLongNamesAreCutInMessages() throws {
    let name = String(repeating: "n", count: 1_000_000)
    let header = "{\"\(name)\":[]}"
    try folder.write(fileBytes(header: header, dataCount: 0), to: "x.safetensors")
    let error = #expect(throws: SafetensorsError.self) { _ = try SafetensorsFile(opening: file) }
    let text = error?.description ?? ""
    #expect(text.contains("(1000000 bytes)") && text.utf8.count < 1000)
  }
}
