import JSON
import PictureBenchmarks
import Pictures
import SystemPackage
import TestSupport
import Testing

@Suite("The layouts of the benchmarks")
struct LayoutTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func set(
    _ benchmark: String, arm: String = "glance", limit: Int? = nil, seed: UInt64 = 0
  ) throws -> PictureSet {
    let layout = try #require(BenchmarkLayout.named(benchmark))
    return try PictureSet(
      layout, arm: arm, folder: folder.path.appending("out"),
      prompts: layout.prompts(in: Prompts.write(benchmark, in: folder)), limit: limit, seed: seed)
  }

  private func write(
    _ set: PictureSet, from source: FlatPictures = FlatPictures(), settings: JSONObject = [:],
    overwrite: Bool = false
  ) throws {
    try PictureSetWriter(set, settings: settings, overwrite: overwrite).write(from: source) { _ in }
  }

  private func text(_ name: String) throws -> String {
    try Fixtures.text(folder.path.appending("out").appending(name))
  }

  /// The levels of a picture at the left top of each of its tiles of 2x2.
  private func levels(_ name: String) throws -> [UInt8] {
    let picture = try Picture(reading: folder.path.appending("out").appending(name))
    return stride(from: 0, to: picture.height, by: 2).flatMap { row in
      stride(from: 0, to: picture.width, by: 2).map { column in
        picture.pixels[3 * (row * picture.width + column)]
      }
    }
  }

  @Test(
    "lays out every file of every benchmark",
    arguments: [
      (
        "geneval",
        [
          "manifests/glance.json",
          "pictures/glance/00000/metadata.jsonl", "pictures/glance/00000/samples/00000.png",
          "pictures/glance/00000/samples/00001.png", "pictures/glance/00000/samples/00002.png",
          "pictures/glance/00000/samples/00003.png",
          "pictures/glance/00001/metadata.jsonl", "pictures/glance/00001/samples/00000.png",
          "pictures/glance/00001/samples/00001.png", "pictures/glance/00001/samples/00002.png",
          "pictures/glance/00001/samples/00003.png",
        ]
      ),
      (
        "hpsv2",
        [
          "manifests/glance.json", "pictures/glance/anime/00000.jpg",
          "pictures/glance/anime/00001.jpg",
          "pictures/glance/concept-art/00000.jpg", "pictures/glance/paintings/00000.jpg",
          "pictures/glance/photo/00000.jpg",
        ]
      ),
      (
        "oneig",
        [
          "manifests/glance.json", "pictures/anime/glance/000.png", "pictures/human/glance/000.png",
          "pictures/human/glance/001.png",
        ]
      ),
      ("dpg", ["manifests/glance.json", "pictures/glance/12.png", "pictures/glance/lamps0.png"]),
      (
        "longtext",
        [
          "manifests/glance.json",
          "pictures/glance/0007_1.png", "pictures/glance/0007_2.png", "pictures/glance/0007_3.png",
          "pictures/glance/0007_4.png", "pictures/glance/0199_1.png", "pictures/glance/0199_2.png",
          "pictures/glance/0199_3.png", "pictures/glance/0199_4.png",
        ]
      ),
      (
        "coco",
        [
          "captions/glance/COCO_val2014_000000000009.txt",
          "captions/glance/COCO_val2014_000000000025.txt", "manifests/glance.json",
          "pictures/glance/COCO_val2014_000000000009.png",
          "pictures/glance/COCO_val2014_000000000025.png",
        ]
      ),
    ] as [(String, [String])])
  func trees(benchmark: String, files: [String]) throws {
    try write(set(benchmark))
    #expect(folder.path.appending("out").tree == files)
  }

  @Test("GenEval: the prompt's own line beside four pictures, whose seeds begin anew")
  func geneval() throws {
    let source = FlatPictures()
    try write(set("geneval", seed: 40), from: source)
    #expect(source.drawn.map(\.seed) == [40, 41, 42, 43, 40, 41, 42, 43])
    #expect(
      source.drawn.map(\.prompt)
        == Array(repeating: "a photo of a kite", count: 4)
        + Array(repeating: "a photo of two kites", count: 4))
    #expect(
      try text("pictures/glance/00001/metadata.jsonl") + "\n"
        == String(Prompts.geneval.split(separator: "\n")[1]) + "\n")
    #expect(try levels("pictures/glance/00001/samples/00002.png") == [42])
  }

  @Test("OneIG-Bench: two by two, row by row, by category, seeds running on in the file's order")
  func oneig() throws {
    let source = FlatPictures()
    try write(set("oneig"), from: source)
    #expect(source.drawn.map(\.seed) == Array(0..<12))
    #expect(
      [0, 4, 8].map { source.drawn[$0].prompt } == [
        "a baker, smiling", "a fox in \"ink\"", "a diver",
      ])
    #expect(try levels("pictures/human/glance/000.png") == [0, 1, 2, 3])
    #expect(try levels("pictures/anime/glance/000.png") == [4, 5, 6, 7])
    #expect(try levels("pictures/human/glance/001.png") == [8, 9, 10, 11])
  }

  @Test("HPSv2: JPEG files by style, each from a noise of its own")
  func hpsv2() throws {
    let source = FlatPictures()
    try write(set("hpsv2"), from: source)
    #expect(source.drawn.map(\.seed) == [0, 1, 2, 3, 4])
    let file = try PictureFile(
      opening: folder.path.appending("out/pictures/glance/photo/00000.jpg"))
    #expect(file.format == .jpeg)
    #expect(try levels("pictures/glance/photo/00000.jpg") == [4])
  }

  @Test("COCO: the first caption of each picture, in the captions' order, without its line end")
  func coco() throws {
    let source = FlatPictures()
    try write(set("coco"), from: source)
    #expect(source.drawn.map(\.prompt) == ["Two giraffes by a tree.", "A tray of food."])
    #expect(
      try text("captions/glance/COCO_val2014_000000000025.txt") == "Two giraffes by a tree.")
  }

  @Test("a limit takes the first prompts of every group, and more can follow")
  func limits() throws {
    try write(set("hpsv2", limit: 1))
    #expect(!folder.path.appending("out").tree.contains("pictures/glance/anime/00001.jpg"))
    let source = FlatPictures()
    try write(set("hpsv2"), from: source)
    // The second of the anime prompts is the second of all.
    #expect(source.drawn == [try #require(source.drawn.first)])
    #expect(source.drawn.first?.seed == 1)
  }

  @Test("goes on where it stopped, within a grid too")
  func resuming() throws {
    #expect(throws: FlatPictures.Stop.self) {
      try write(set("dpg"), from: FlatPictures(stoppingAfter: 6))
    }
    #expect(
      folder.path.appending("out").tree == [
        "manifests/glance.json", "parts/glance/pictures/glance/lamps0/0.png",
        "parts/glance/pictures/glance/lamps0/1.png", "pictures/glance/12.png",
      ])
    let source = FlatPictures()
    try write(set("dpg"), from: source)
    #expect(source.drawn.map(\.seed) == [6, 7])
    #expect(try levels("pictures/glance/lamps0.png") == [4, 5, 6, 7])
    #expect(
      folder.path.appending("out").tree == [
        "manifests/glance.json", "pictures/glance/12.png", "pictures/glance/lamps0.png",
      ])
  }

  @Test("refuses to mix settings, and draws anew when asked")
  func settings() throws {
    try write(set("dpg"), settings: ["cfg": 4])
    let manifest = folder.path.appending("out/manifests/glance.json")
    expectRefusal(
      BenchmarkError.self,
      saying: "\(manifest): its pictures were drawn with 'cfg' 4, asked for is 1; choose another "
        + "name or folder, or have them drawn anew (--force)"
    ) { try write(set("dpg"), settings: ["cfg": 1]) }
    expectRefusal(BenchmarkError.self, saying: "its pictures were drawn with 'seed' \"0\"") {
      try write(set("dpg", seed: 1), settings: ["cfg": 4])
    }
    let source = FlatPictures()
    try write(set("dpg", limit: 1), from: source, settings: ["cfg": 1], overwrite: true)
    #expect(source.drawn.count == 4)
    // Nothing of the other settings is left.
    #expect(
      folder.path.appending("out").tree == ["manifests/glance.json", "pictures/glance/12.png"])
  }

  @Test("refuses a picture that no manifest tells of")
  func unknownPictures() throws {
    try write(set("dpg"))
    folder.remove("out/manifests/glance.json")
    expectRefusal(
      BenchmarkError.self, saying: "out/pictures/glance/12.png: exists already, and no "
    ) { try write(set("dpg")) }
  }

  @Test("the manifest lists files, prompts and seeds")
  func manifest() throws {
    try write(set("oneig", limit: 1), settings: ["steps": 3])
    let manifest = try JSONValue(parsing: text("manifests/glance.json"))
    #expect(manifest["format"] == "glance-picture-set/1")
    #expect(manifest["arm"] == "glance")
    #expect(manifest["set"]?["benchmark"] == "oneig")
    #expect(manifest["set"]?["settings"] == ["steps": 3])
    #expect(
      manifest["pictures"] == [
        [
          "file": "pictures/human/glance/000.png", "prompt": "a baker, smiling",
          "seeds": ["0", "1", "2", "3"],
        ],
        [
          "file": "pictures/anime/glance/000.png", "prompt": "a fox in \"ink\"",
          "seeds": ["4", "5", "6", "7"],
        ],
      ])
  }

  @Test(arguments: ["", "a b", "../x", ".x", "a/b", "a*"])
  func namesThatArePlain(arm: String) throws {
    expectRefusal(
      BenchmarkError.self,
      saying: "the arm's name: expected letters, digits and . _ + - (not first .), found '\(arm)'"
    ) { try set("coco", arm: arm) }
  }

  @Test func saysHowToScore() throws {
    #expect(
      try set("dpg", arm: "teacher").scoring(width: 512)
        == "PIC_NUM=4 bash dpg_bench/dist_eval.sh pictures/teacher 512")
  }
}
