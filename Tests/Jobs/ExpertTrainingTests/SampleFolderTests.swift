import ExpertTraining
import Files
import SystemPackage
import TestSupport
import Testing

@Suite("A folder of samples")
struct SampleFolderTests {
  @Test("names what it leaves out")
  func skipped() throws {
    let folder = try TemporaryFolder()
    for name in ["b.png", "a.JPG", "c.gif", ".hidden.png"] { try folder.write([1], to: name) }
    try folder.write(Array("blue\n".utf8), to: "b.txt")
    try folder.write(Array("a cat\r\n".utf8), to: "a.txt")
    try folder.write(Array("lost".utf8), to: "c.txt")
    try folder.makeFolder("10_cat")
    let samples = try SampleFolder(reading: folder.path)
    #expect(
      samples.samples == [
        SampleSource(image: folder.path.appending("a.JPG"), caption: "a cat"),
        SampleSource(image: folder.path.appending("b.png"), caption: "blue"),
      ])
    #expect(samples.skipped == ["10_cat", "c.gif", "c.txt"])
    #expect(
      samples.warning
        == "skipped, since they are no pictures (.png, .jpg, .jpeg, .webp) with captions (.txt): "
        + "10_cat, c.gif, c.txt")
  }

  @Test("without a sample is refused, naming what is there instead")
  func nothing() throws {
    let folder = try TemporaryFolder()
    for number in 1...12 { try folder.write([1], to: "\(number + 10).gif") }
    let error = #expect(throws: ExpertTrainingError.self) {
      try SampleFolder(reading: folder.path)
    }
    #expect(
      error?.description
        == "\(folder.path): expected pictures (.png, .jpg, .jpeg, .webp) with captions (.txt), found none "
        + "but 11.gif, 12.gif, 13.gif, 14.gif, 15.gif, 16.gif, 17.gif, 18.gif, 19.gif, "
        + "20.gif and 2 more")
  }

  @Test("takes every line of a text as a caption where that is asked")
  func captionLines() throws {
    let folder = try TemporaryFolder()
    for name in ["a.png", "b.png"] { try folder.write([1], to: name) }
    try folder.write(Array("a cat\r\n\n  on a mat \n".utf8), to: "a.txt")
    try folder.write(Array("blue".utf8), to: "b.txt")
    let (a, b) = (folder.path.appending("a.png"), folder.path.appending("b.png"))
    #expect(
      try SampleFolder(reading: folder.path, captionsAreLines: true).samples
        == SampleSource.samples(of: a, captions: ["a cat", "on a mat"])
        + [SampleSource(image: b, caption: "blue")])
    #expect(
      try SampleFolder(reading: folder.path).samples.map(\.caption)
        == ["a cat\r\n\n  on a mat ", "blue"])
  }

  @Test("takes captions of up to 64 KiB of UTF-8, whole")
  func captions() throws {
    let folder = try TemporaryFolder()
    try folder.write([1], to: "x.png")
    let long = Array(repeating: UInt8(ascii: "a"), count: 1 << 16)
    try folder.write(long, to: "x.txt")
    #expect(try SampleFolder(reading: folder.path).samples[0].caption.utf8.count == 1 << 16)
    for bytes in [long + [UInt8(ascii: "a")], [0xff]] {
      try folder.write(bytes, to: "x.txt")
      let error = #expect(throws: ExpertTrainingError.self) {
        try SampleFolder(reading: folder.path)
      }
      #expect(
        error?.description
          == "\(folder.path)/x.txt: expected a caption in UTF-8 of at most 64 KiB")
    }
  }
}
