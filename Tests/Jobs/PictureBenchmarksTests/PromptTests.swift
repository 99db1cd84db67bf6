import PictureBenchmarks
import SystemPackage
import TestSupport
import Testing

@Suite("Prompt files")
struct PromptTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func refusal(
    _ benchmark: String, _ text: String, _ name: String = "p", saying message: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let layout = try #require(BenchmarkLayout.named(benchmark))
    let file = try folder.write(Array(text.utf8), to: name)
    let error = #expect(throws: BenchmarkError.self, sourceLocation: sourceLocation) {
      _ = try layout.prompts(in: file)
    }
    #expect(error.map { "\($0)" } == "\(file): \(message)", sourceLocation: sourceLocation)
  }

  @Test func placesAndNames() throws {
    let layout = try #require(BenchmarkLayout.named("oneig"))
    let prompts = try layout.prompts(in: Prompts.write("oneig", in: folder))
    #expect(prompts.map(\.text) == ["a baker, smiling", "a fox in \"ink\"", "a diver"])
    #expect(prompts.map(\.group) == ["human", "anime", "human"])
    #expect(prompts.map(\.index) == [0, 0, 1])
    #expect(prompts.map(\.position) == [0, 1, 2])
    #expect(prompts.map(\.id) == ["000", "000", "001"])
  }

  @Test("the Chinese table has its prompts in another column")
  func chinese() throws {
    let layout = try #require(BenchmarkLayout.named("oneig"))
    let file = try folder.write(
      Array("\u{feff}category,id,prompt_cn,class\nMultilingualism,199,一只猫,\n".utf8), to: "zh.csv")
    let prompts = try layout.prompts(in: file)
    #expect(prompts.map(\.text) == ["一只猫"])
    #expect(prompts.map(\.group) == ["multilingualism"])
  }

  @Test func wrongLines() throws {
    try refusal(
      "geneval", "{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n",
      saying: "line 2: expected a text 'prompt', found no 'prompt'")
    try refusal(
      "geneval", "{\"prompt\": \"a\"}\n\n{\"prompt\": \"b\"}\n",
      saying: "line 2: expected a JSON object, found no JSON value at byte 0")
    try refusal(
      "geneval", "[\"a photo\"]\n", saying: "line 1: expected a JSON object, found '[\"a photo\"]'")
    try refusal(
      "longtext", "{\"prompt\": \"a\", \"prompt_id\": \"7\"}\n",
      saying: "line 1: expected a whole number 'prompt_id', found another value")
    try refusal(
      "longtext",
      "{\"prompt\": \"a\", \"prompt_id\": 7}\n{\"prompt\": \"b\", \"prompt_id\": 7}\n",
      saying: "line 2: expected every id once, found '7' again")
    try refusal(
      "oneig", "category,id,prompt\nPortrait,000,a\n",
      saying: "line 1: expected the columns category, id and prompt_en or prompt_cn, found "
        + "'category,id,prompt'")
    try refusal(
      "oneig", "category,id,prompt_en\nPortrait,000,\"a\nb\"\nHuman,001,c\n",
      saying: "line 4: expected a category (Anime_Stylization, Portrait, General_Object, "
        + "Text_Rendering, Knowledge_Reasoning, Multilingualism), found 'Human'")
    try refusal(
      "oneig", "category,id,prompt_en\nPortrait,../x,a\n",
      saying: "line 2: expected an id of letters, digits and _ + -, found '../x'")
    try refusal(
      "oneig", "category,id,prompt_en\nPortrait,000\n",
      saying: "line 2: expected 3 cells, as the first line has, found 2")
    try refusal(
      "oneig", "category,id,prompt_en\nPortrait,000,\"a",
      saying: "line 2: expected a quoted cell that ends, found the end of the file")
    try refusal(
      "oneig", "category,id,prompt_en\nPortrait,000,\"a\"b\n",
      saying: "line 2: expected a comma or the line's end after a quoted cell, found 'b'")
  }

  @Test func wrongDocuments() throws {
    try refusal(
      "hpsv2", "[1]", "anime.json",
      saying: "expected a JSON list of texts, found another value as element 0")
    try refusal(
      "hpsv2", "[]", "x.json",
      saying:
        "expected a file named anime.json, concept-art.json, paintings.json, photo.json, or the "
        + "folder with them, found another name")
    try refusal(
      "hpsv2", "[]", "photo.json",
      saying: "expected prompts (the folder with anime.json, concept-art.json, paintings.json and "
        + "photo.json (dataset zhwang/HPDv2, benchmark/)), found none")
    try refusal(
      "coco", "{\"images\": []}",
      saying: "expected the lists 'images' and 'annotations', found a document without them")
    try refusal(
      "coco", "{\"images\": [], \"annotations\": [{\"image_id\": 1, \"caption\": \"a\"}]}",
      saying:
        "expected 'caption' and the 'image_id' of one of the images in every annotation, found "
        + "annotations[0] without them")
    try refusal(
      "dpg", "a", saying: "expected a folder with a .txt file for every prompt, found a file")
  }

  @Test func emptyTexts() throws {
    let layout = try #require(BenchmarkLayout.named("dpg"))
    let path = try Prompts.write("dpg", in: folder)
    try folder.write(Array(" \n".utf8), to: "prompts/x.txt")
    expectRefusal(
      BenchmarkError.self, saying: "prompts/x.txt: expected a prompt, found an empty file"
    ) { try layout.prompts(in: path) }
  }
}
