import Compute
import Evaluation
import JSON
import Pictures
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What transformers made of the same pictures and captions: tools/record-clip-goldens.
@Suite("CLIP scores")
struct CLIPScoreTests {
  private let folder: TemporaryFolder
  private let recording: SafetensorsFile
  private let captions: [String]
  private let pictures: [Picture]

  init() throws {
    folder = try TemporaryFolder()
    recording = try SafetensorsFile(
      opening: TinyCLIP.fixtures.appending("goldens.safetensors"))
    captions = try Self.list("captions", of: recording).compactMap(\.string)
    pictures = try Self.list("sizes", of: recording).map { size in
      let sides = (size.array ?? []).compactMap(\.integer)
      return Self.pattern(width: try #require(sides.first), height: try #require(sides.last))
    }
  }

  private static func list(_ key: String, of file: SafetensorsFile) throws -> [JSONValue] {
    try JSONValue(parsing: file.metadata[key] ?? "").array ?? []
  }

  private static func pattern(width: Int, height: Int) -> Picture {
    Picture(
      width: width, height: height,
      pixels: (0..<3 * width * height).map { place in
        let (x, y) = (place / 3 % width, place / 3 / width)
        return UInt8((7 * x + 3 * y + 50 * (place % 3) + x * y / 16) % 256)
      })
  }

  private func recorded(_ name: String) throws -> [Float] {
    try recording.tensor(named: name).floats()
  }

  @Test("look at the pixels that transformers' processor makes, scaled up and down")
  func pixels() throws {
    let preprocessor = try CLIPPreprocessor(folder: TinyCLIP.write(in: folder), side: 32)
    let found = pictures.flatMap { preprocessor.pixels(of: $0).floats }
    let expected = try recorded("pixels")
    #expect(captions.count == 3 && pictures.count == 5 && found.count == expected.count)
    // The same levels; float32 rounds their normalisation otherwise. One level would be 0.014.
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 })
  }

  @Test("lie where transformers puts pictures and captions", arguments: ["quick_gelu", "gelu"])
  func directions(activation: String) throws {
    let score = try CLIPScore(folder: TinyCLIP.write(in: folder, activation: activation))
    let texts = try score.directions(of: captions)
    let seen = pictures.map { score.direction(of: $0) }
    // A few hundred roundings of float32 of vectors of length 1; another activation is 0.003 away.
    let bound: Float = 2e-6
    for (found, name) in [(texts, "texts"), (seen, "pictures")] {
      let expected = try recorded("\(activation).\(name)")
      let floats = found.flatMap(\.floats)
      #expect(floats.count == expected.count)
      #expect(zip(floats, expected).allSatisfy { abs($0 - $1) <= bound }, "\(name)")
    }
    let cosines = try recorded("\(activation).cosines")
    for (row, picture) in pictures.enumerated() {
      for (column, text) in texts.enumerated() {
        let expected = 100 * Double(max(0, cosines[row * texts.count + column]))
        #expect(abs(score.score(picture, text) - expected) <= 2e-4)
      }
    }
    // Some lie behind: those are 0.
    #expect(cosines.contains { $0 < 0 } && score.score(pictures[0], texts[2]) == 0)
  }

  @Test(
    "read what older and newer versions call the same",
    arguments: [
      ("preprocessor_config.json", #"{"size": 32, "crop_size": 32, "resample": 3}"#),
      (
        "preprocessor_config.json",
        #"{"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}, "do_resize": true}"#
      ),
      (
        "processor_config.json",
        #"{"image_processor": {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}}"#
      ),
    ])
  func versions(name: String, text: String) throws {
    try folder.makeFolder("p")
    try folder.write(Array(text.utf8), to: "p/" + name)
    let preprocessor = try CLIPPreprocessor(folder: folder.path.appending("p"), side: 32)
    let found = preprocessor.pixels(of: pictures[1]).floats
    let expected = try recorded("pixels")[3 * 32 * 32..<2 * 3 * 32 * 32]
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 })
  }

  @Test(
    "refuse steps that are not CLIP's",
    arguments: [
      (#"{"resample": 2, "size": 32, "crop_size": 32}"#, "3 (bicubic) in 'resample', found 2"),
      (
        #"{"size": {"height": 32, "width": 32}, "crop_size": 32}"#,
        #"the shortest side in pixels in 'size', found {"height":32,"width":32}"#
      ),
      (
        #"{"size": 32, "crop_size": 24}"#,
        "32, as the model takes pictures, and at most the size in 'crop_size', found 24"
      ),
      (#"{"do_center_crop": false}"#, "true in 'do_center_crop', found false"),
      (
        #"{"size": 32, "crop_size": 32, "image_mean": [1]}"#,
        "three numbers in 'image_mean', found [1]"
      ),
    ])
  func refusals(text: String, words: String) throws {
    try folder.makeFolder("p")
    let file = try folder.write(Array(text.utf8), to: "p/preprocessor_config.json")
    let error = #expect(throws: EvaluationError.self) {
      try CLIPPreprocessor(folder: folder.path.appending("p"), side: 32)
    }
    #expect(error?.description == "\(file): expected \(words)")
  }

  @Test("are of a CLIPModel only")
  func wrongFolders() throws {
    let model = try TinyCLIP.write(in: folder)
    func message() -> String {
      do { _ = try CLIPScore(folder: model) } catch { return "\(error)" }
      return "nothing"
    }
    #expect(message() == "nothing")
    try folder.write(Array("{\"model_type\": \"t5\"}".utf8), to: "clip/config.json")
    #expect(
      message()
        == "\(model)/config.json: expected a CLIPModel (model_type 'clip'), found model_type 't5'")
    try folder.write(Array("{\"model_type\": \"clip\"}".utf8), to: "clip/config.json")
    #expect(
      message()
        == "\(model)/config.json: 'text_config': expected an object, as a CLIPModel has, found nothing"
    )
    #expect(throws: EvaluationError.self) { try CLIPScore(folder: folder.path.appending("none")) }
  }

  @Test("cut texts that are longer than the model takes, and keep the end token")
  func longTexts() throws {
    let score = try CLIPScore(folder: TinyCLIP.write(in: folder))
    let long = Array(repeating: "circle", count: 200).joined(separator: " ")
    let longer = long + " star"
    #expect(try score.directions(of: [long])[0] == score.directions(of: [longer])[0])
  }
}
