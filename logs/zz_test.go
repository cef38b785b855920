package logs
import ("testing";"os";"os/exec";"time";"fmt";"path/filepath";"strings")
func TestZZ(t *testing.T){
 dir:=os.Getenv("ZZDIR")
 for _,bs:=range []string{"4k","64k","1M","200"}{
 var times [2]time.Duration
 for rep:=0;rep<3;rep++{
 for mode:=0;mode<2;mode++{
  path:=filepath.Join(dir,fmt.Sprint("log",mode))
  os.Remove(path)
  var out *os.File; var p *Pump
  ended:=make(chan int)
  if mode==0 { out,_=Open(path,0o600) } else {
   p=NewPump(PumpEvents{Ended:func(Source){close(ended)},Waits:func(s Source,e error){fmt.Println(e)}})
   w,r,err:=NewPipe(filepath.Join(dir,"pp")); if err!=nil{t.Fatal(err)}
   out=w; p.Add(Source{Name:"x",Run:"r",Path:path,Perm:0o600,Marks:path+".marks"},r)
  }
  n:=map[string]string{"4k":"262144","64k":"16384","1M":"1024","200":"1000000"}[bs]
  c:=exec.Command("dd","if=/dev/zero","bs="+strings.TrimSuffix(bs,""),"count="+n,"status=none"); c.Stdout=out
  b:=time.Now(); c.Start(); out.Close(); c.Wait()
  if mode==1{<-ended;p.Close()}
  d:=time.Since(b)
  if rep==0||d<times[mode]{times[mode]=d}
 }}
 fmt.Println(bs,times, float64(times[1])/float64(times[0]))
 }
}
