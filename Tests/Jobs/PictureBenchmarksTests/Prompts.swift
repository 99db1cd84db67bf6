import Files
import PictureBenchmarks
import SystemPackage
import TestSupport

/// Small prompt files in the benchmarks' forms, of our own words.
enum Prompts {
  static let geneval = """
    {"tag": "single_object", "include": [{"class": "kite", "count": 1}], "prompt": "a photo of a kite"}
    {"tag": "counting", "include": [{"class": "kite", "count": 2}], "prompt": "a photo of two kites"}

    """

  static let oneig =
    "category,id,prompt_en,type,prompt_length,class\r\n"
    + "Portrait,000,\"a baker, smiling\",NP,short,None\r\n"
    + "Anime_Stylization,000,\"a fox in \"\"ink\"\"\",NP,short,None\r\n"
    + "Portrait,001,a diver,NP,short,None\r\n"

  static let longtext = """
    {"category": "sign", "prompt": "a sign that says OPEN", "text": ["OPEN"], "prompt_id": 7}
    {"category": "sign", "prompt": "a sign that says SHUT", "text": ["SHUT"], "prompt_id": 199}

    """

  static let coco = """
    {"images": [{"id": 9, "file_name": "COCO_val2014_000000000009.jpg"},
                {"id": 25, "file_name": "COCO_val2014_000000000025.jpg"}],
     "annotations": [{"image_id": 25, "id": 1, "caption": "Two giraffes by a tree.\\n"},
                     {"image_id": 9, "id": 2, "caption": "A tray of food."},
                     {"image_id": 25, "id": 3, "caption": "Giraffes again."}]}
    """

  /// Writes the prompt file or folder of a benchmark.
  static func write(_ benchmark: String, in folder: TemporaryFolder) throws -> FilePath {
    func file(_ text: String, _ name: String) throws -> FilePath {
      try folder.write(Array(text.utf8), to: name)
    }
    switch benchmark {
    case "geneval": return try file(geneval, "evaluation_metadata.jsonl")
    case "oneig": return try file(oneig, "OneIG-Bench.csv")
    case "longtext": return try file(longtext, "text_prompts.jsonl")
    case "coco": return try file(coco, "captions_val2014.json")
    case "dpg":
      let path = folder.path.appending("prompts")
      if !path.isFolder { try folder.makeFolder("prompts") }
      _ = try file("a red mill by a river\n", "prompts/12.txt")
      _ = try file("four lamps\n", "prompts/lamps0.txt")
      return path
    default:
      let path = folder.path.appending("benchmark")
      if !path.isFolder { try folder.makeFolder("benchmark") }
      for (name, list) in [
        ("anime", "[\"a cat\", \"a crow\"]"), ("concept-art", "[\"a tower\"]"),
        ("paintings", "[\"a pond\"]"), ("photo", "[\"a bus\"]"),
      ] { _ = try file(list, "benchmark/\(name).json") }
      return path
    }
  }
}

extension FilePath {
  /// All files under a folder, as relative paths, sorted.
  var tree: [String] {
    TemporaryFolder.names(in: self).flatMap { name -> [String] in
      let path = appending(name)
      return path.isFolder ? path.tree.map { "\(name)/\($0)" } : [name]
    }.sorted()
  }
}
