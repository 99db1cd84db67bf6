internal import Failures
public import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#endif

extension SampleSource {
  /// The samples of a folder: every picture (`.png`, `.jpg`, `.jpeg`) with the text of the same
  /// name and the ending `.txt`, in the order of the names' bytes.
  ///
  /// - Parameter folder: where they are.
  /// - Returns: at least one.
  /// - Throws: when there is none, or a picture has no caption.
  public static func samples(in folder: FilePath) throws(ExpertTrainingError) -> [SampleSource] {
    guard let handle = unsafe opendir(folder.string) else {
      throw .badSample(
        file: folder, detail: "cannot read the folder: \(Errno(rawValue: errno))",
        kind: .inputMissing)
    }
    defer { unsafe closedir(handle) }
    var names: [String] = []
    while let entry = unsafe readdir(handle) {
      names.append(
        unsafe withUnsafePointer(to: &entry.pointee.d_name) {
          unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
        })
    }
    var samples: [SampleSource] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      let image = folder.appending(name)
      guard ["png", "jpg", "jpeg"].contains(image.extension?.lowercased()) else { continue }
      var text = image
      text.extension = "txt"
      samples.append(SampleSource(image: image, caption: try caption(text)))
    }
    guard !samples.isEmpty else {
      throw .badSample(
        file: folder,
        detail: "expected pictures (.png, .jpg, .jpeg) with captions (.txt), "
          + "found none", kind: .wrongData)
    }
    return samples
  }

  private static func caption(_ file: FilePath) throws(ExpertTrainingError) -> String {
    var bytes: [UInt8] = []
    do {
      let descriptor = try FileDescriptor.open(
        file, .readOnly, options: [.closeOnExec, .nonBlocking])
      try descriptor.closeAfter {
        var block = [UInt8](repeating: 0, count: 1 << 16)
        let count = try unsafe block.withUnsafeMutableBytes {
          try unsafe descriptor.read(into: $0)
        }
        bytes = Array(block[..<count])
      }
    } catch {
      throw .badSample(
        file: file, detail: "cannot read the caption: \(error)", kind: .inputMissing)
    }
    guard let text = String(validating: bytes, as: UTF8.self), bytes.count < 1 << 16 else {
      throw .badSample(
        file: file, detail: "expected a caption in UTF-8 of less than 64 KiB", kind: .wrongData)
    }
    var end = text.endIndex
    while end > text.startIndex, text[text.index(before: end)].isNewline {
      end = text.index(before: end)
    }
    return String(text[..<end])
  }
}
