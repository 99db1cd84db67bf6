internal import Failures
internal import Files
public import SystemPackage
internal import Text

#if canImport(Glibc)
  internal import Glibc
#endif

/// A folder of samples: every picture (`.png`, `.jpg`, `.jpeg`, `.webp`) with the text of the same name and
/// the ending `.txt`, in the order of the names' bytes.
public struct SampleFolder: Sendable, Equatable {
  /// The samples, at least one.
  public let samples: [SampleSource]
  /// Names of what is no part of a sample: other pictures, captions without a picture, folders.
  public let skipped: [String]

  private static let endings = ["png", "jpg", "jpeg", "webp"]

  /// Reads a folder.
  ///
  /// - Parameters:
  ///   - folder: the folder.
  ///   - captionsAreLines: whether every line of a text that isn't empty is a caption, instead of the text.
  /// - Throws: when it can't be read, there is no sample, or a picture has no caption.
  public init(reading folder: FilePath, captionsAreLines: Bool = false) throws {
    guard let names = folderNames(folder) else {
      throw ExpertTrainingError.badSample(
        file: folder, detail: "cannot read the folder: \(Errno(rawValue: errno))",
        kind: .inputMissing)
    }
    var samples: [SampleSource] = []
    var captions: Set<String> = []
    var others: [String] = []
    for name in names where !name.hasPrefix(".") {
      let image = folder.appending(name)
      guard Self.endings.contains(image.extension?.lowercased() ?? "") else {
        others.append(name)
        continue
      }
      var text = image
      text.extension = "txt"
      captions.insert(text.lastComponent?.string ?? "")
      let caption = try Self.caption(text)
      samples += SampleSource.samples(
        of: image, captions: captionsAreLines ? Self.lines(of: caption) : [caption])
    }
    skipped = others.filter { !captions.contains($0) }
    guard !samples.isEmpty else {
      throw ExpertTrainingError.badSample(
        file: folder,
        detail: "expected pictures (.png, .jpg, .jpeg, .webp) with captions (.txt), found none"
          + (skipped.isEmpty ? "" : " but \(Self.list(skipped))"), kind: .wrongData)
    }
    self.samples = samples
  }

  /// One line that names what was skipped; nil when nothing was.
  public var warning: String? {
    skipped.isEmpty
      ? nil
      : "skipped, since they are no pictures (.png, .jpg, .jpeg, .webp) with captions (.txt): "
        + Self.list(skipped)
  }

  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(10).joined(separator: ", ")
    return names.count > 10 ? shown + " and \(names.count - 10) more" : shown
  }

  /// The lines that aren't empty; the whole text where all are, which is then refused as it is.
  private static func lines(of caption: String) -> [String] {
    let lines = caption.split(whereSeparator: \.isNewline).map(\.trimmed).filter { !$0.isEmpty }
    return lines.isEmpty ? [caption] : lines
  }

  private static func caption(_ file: FilePath) throws -> String {
    let unusable = ExpertTrainingError.badSample(
      file: file, detail: "expected a caption in UTF-8 of at most 64 KiB", kind: .wrongData)
    let bytes: [UInt8]
    do { bytes = try readWhole(file, atMost: 1 << 16) } catch .tooLarge { throw unusable } catch {
      throw ExpertTrainingError.badSample(
        file: file, detail: "cannot read the caption: \(error.reason)", kind: .inputMissing)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw unusable }
    var end = text.endIndex
    while end > text.startIndex, text[text.index(before: end)].isNewline {
      end = text.index(before: end)
    }
    return String(text[..<end])
  }
}
